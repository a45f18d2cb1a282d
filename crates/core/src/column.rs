//! What a text value needs beside its derive to be part of a primary key.

/// Says that a text value is never made by an automatic counter. SeaORM asks this of every part of
/// a primary key.
macro_rules! never_counted {
    ($($name:ty),+ $(,)?) => {$(
        impl sea_orm::TryFromU64 for $name {
            fn try_from_u64(_: u64) -> Result<Self, sea_orm::DbErr> {
                Err(sea_orm::DbErr::ConvertFromU64(stringify!($name)))
            }
        }
    )+};
}

pub(crate) use never_counted;
