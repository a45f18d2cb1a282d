//! The Trellis server.
