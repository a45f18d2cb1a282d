//! Trellis platform.
