//! Trellis program.
