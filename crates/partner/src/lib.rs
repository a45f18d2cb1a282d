//! Trellis partner.
