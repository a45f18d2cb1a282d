//! `trellis.partner.v1`.

mod partners;
