//! Trellis incentive.
