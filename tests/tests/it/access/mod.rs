//! What callers see and do who do not reach the whole ecosystem. Each test has its control: the same
//! call by somebody who reaches everything.

mod accounts;
mod canaries;
mod cosell;
mod counted;
mod fields;
mod managed;
mod probing;
mod proposals;
mod scene;
mod sealed;
mod statistics;
mod strangers;
mod timing;
