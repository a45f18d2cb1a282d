//! Trellis migrations.
