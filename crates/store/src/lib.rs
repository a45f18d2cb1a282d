//! Trellis store.
