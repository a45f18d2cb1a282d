//! The model that goes by the age of a touch: each half-life earlier counts half.
//!
//! In whole numbers only: the weight is `2^40 * 2^(-age / half-life)`, of which the whole half-lives
//! are a shift and the rest is looked up in sixty-four steps. A touch weighs at most 1.1 % more than
//! it would by the exact formula, which is good enough for a report, and the same on every machine.

use std::time::Duration;

use super::Touch;

/// Steps in a half-life.
const STEPS: u128 = 64;

/// `2^40 * 2^(-step / 64)`, to the nearest whole number.
const TABLE: [u64; 64] = [
    1_099_511_627_776,
    1_087_667_703_029,
    1_075_951_360_882,
    1_064_361_227_019,
    1_052_895_941_925,
    1_041_554_160_730,
    1_030_334_553_053,
    1_019_235_802_842,
    1_008_256_608_221,
    997_395_681_340,
    986_651_748_221,
    976_023_548_607,
    965_509_835_819,
    955_109_376_606,
    944_820_951_003,
    934_643_352_185,
    924_575_386_327,
    914_615_872_464,
    904_763_642_353,
    895_017_540_335,
    885_376_423_200,
    875_839_160_050,
    866_404_632_174,
    857_071_732_908,
    847_839_367_509,
    838_706_453_029,
    829_671_918_182,
    820_734_703_226,
    811_893_759_832,
    803_148_050_963,
    794_496_550_755,
    785_938_244_393,
    777_472_127_994,
    769_097_208_489,
    760_812_503_507,
    752_617_041_257,
    744_509_860_419,
    736_490_010_025,
    728_556_549_354,
    720_708_547_817,
    712_945_084_849,
    705_265_249_802,
    697_668_141_836,
    690_152_869_817,
    682_718_552_210,
    675_364_316_973,
    668_089_301_461,
    660_892_652_321,
    653_773_525_390,
    646_731_085_600,
    639_764_506_879,
    632_872_972_052,
    626_055_672_747,
    619_311_809_300,
    612_640_590_662,
    606_041_234_302,
    599_512_966_123,
    593_055_020_361,
    586_666_639_507,
    580_347_074_207,
    574_095_583_180,
    567_911_433_133,
    561_793_898_668,
    555_742_262_204,
];

/// The weight of each touch. Ages are counted from the last one: counting from a later moment would
/// take the same proportion from all of them.
pub(super) fn weights(touches: &[Touch], half_life: Duration) -> Vec<u64> {
    let half_life = half_life.as_micros().max(1);
    let Some(last) = touches.iter().map(|touch| touch.time).max() else {
        return Vec::new();
    };
    touches
        .iter()
        .map(|touch| {
            let age = last.since(touch.time).as_micros();
            let step = usize::try_from(age % half_life * STEPS / half_life).unwrap_or(0);
            let halves = u32::try_from(age / half_life).unwrap_or(u32::MAX);
            let weight = TABLE.get(step).copied().unwrap_or(0);
            weight.checked_shr(halves).unwrap_or(0)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_halves_over_its_length() {
        assert_eq!(TABLE[0], 1 << 40);
        // The square of each step is the step of twice its age, to within rounding.
        for (step, weight) in TABLE.iter().enumerate() {
            let squared = (u128::from(*weight) * u128::from(*weight)) >> 40;
            let twice = step * 2;
            let expected = u128::from(TABLE[twice % 64] >> (twice / 64));
            assert!(squared.abs_diff(expected) <= 3, "{step}");
        }
        assert!(TABLE.windows(2).all(|pair| pair[0] > pair[1]));
        assert!(TABLE[63] > 1 << 39);
    }
}
