//! Trellis deal.
