//! Trellis core.
