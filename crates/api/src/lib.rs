//! Trellis api.
