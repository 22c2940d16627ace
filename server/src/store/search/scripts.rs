//! The index and the reading of the newest messages agree, whatever is written, in forty scripts.

use belfry_core::chat::{AccountId, SearchText, Seq, Text, fold};
use belfry_core::rng::{Rng, below, from_seed};
use unicode_normalization::UnicodeNormalization as _;

use super::super::fixture::{LOBBY, add, job, post};
use super::super::{Store, Target};
use super::{Depth, LookedUp, conversations, look_up, newest, recent};
use crate::store::page::Limit;

/// Stretches of letters and of the marks that go with them, a script a line.
const SCRIPTS: [&[(u32, u32)]; 40] = [
    &[(0x41, 0x7a), (0xc0, 0x24f), (0x1e00, 0x1eff), (0x300, 0x36f)], // Latin
    &[(0x370, 0x3ff), (0x1f00, 0x1fff), (0x300, 0x345)],              // Greek
    &[(0x400, 0x52f), (0x300, 0x308)],                                // Cyrillic
    &[(0x531, 0x587)],                                                // Armenian
    &[(0x591, 0x5f4)],                                                // Hebrew
    &[(0x600, 0x6ff), (0xfb50, 0xfdff), (0xfe70, 0xfefc)],            // Arabic
    &[(0x700, 0x74f)],                                                // Syriac
    &[(0x780, 0x7b1)],                                                // Thaana
    &[(0x7c0, 0x7fa)],                                                // NKo
    &[(0x900, 0x97f)],                                                // Devanagari
    &[(0x980, 0x9fe)],                                                // Bengali
    &[(0xa01, 0xa76)],                                                // Gurmukhi
    &[(0xa81, 0xaff)],                                                // Gujarati
    &[(0xb01, 0xb77)],                                                // Oriya
    &[(0xb82, 0xbfa)],                                                // Tamil
    &[(0xc00, 0xc7f)],                                                // Telugu
    &[(0xc80, 0xcf3)],                                                // Kannada
    &[(0xd00, 0xd7f)],                                                // Malayalam
    &[(0xd81, 0xdf4), (0x200d, 0x200d)],                              // Sinhala
    &[(0xe01, 0xe5b)],                                                // Thai
    &[(0xe81, 0xedf)],                                                // Lao
    &[(0xf00, 0xfda)],                                                // Tibetan
    &[(0x1000, 0x109f)],                                              // Burmese
    &[(0x10a0, 0x10ff), (0x1c90, 0x1cbf)],                            // Georgian
    &[(0x1100, 0x11ff), (0xac00, 0xd7a3), (0x3131, 0x318e)],          // Hangul
    &[(0x1200, 0x137c)],                                              // Ethiopic
    &[(0x13a0, 0x13fd), (0xab70, 0xabbf)],                            // Cherokee
    &[(0x1401, 0x1676)],                                              // Canadian syllables
    &[(0x16a0, 0x16f8)],                                              // Runes
    &[(0x1780, 0x17f9)],                                              // Khmer
    &[(0x1800, 0x18aa)],                                              // Mongolian
    &[(0x1b00, 0x1b7c)],                                              // Balinese
    &[(0x2c00, 0x2c5f)],                                              // Glagolitic
    &[(0x2d30, 0x2d7f)],                                              // Tifinagh
    &[(0x3041, 0x309f), (0x3099, 0x309a)],                            // Hiragana
    &[(0x30a0, 0x30ff), (0xff66, 0xff9f)],                            // Katakana
    &[(0x3105, 0x312f)],                                              // Bopomofo
    &[(0x4e00, 0x9fff), (0xf900, 0xfad9)],                            // Han
    &[(0x10400, 0x1044f), (0x1e900, 0x1e943)],                        // Deseret and Adlam
    &[(0xff01, 0xff5e), (0x2460, 0x24ff), (0x1d400, 0x1d7ff)],        // wide, in circles, of mathematics
];

fn letters(rng: &mut Rng, script: &[(u32, u32)], count: u64) -> String {
    let one = |rng: &mut Rng| match below(rng, 8) {
        0 => ' ',
        1 => ['\n', '\u{ad}', '\u{301}', '\u{200d}', '\u{a0}', '"', 'a', 'ß'][usize::try_from(below(rng, 8)).unwrap()],
        _ => {
            let (first, last) = script[usize::try_from(below(rng, script.len() as u64)).unwrap()];
            let number = first + u32::try_from(below(rng, u64::from(last - first + 1))).unwrap();
            char::from_u32(number).filter(|c| !c.is_control()).unwrap_or('x')
        }
    };
    (0..count).map(|_| one(rng)).collect()
}

/// The same words as somebody else would type them.
fn otherwise(rng: &mut Rng, text: &str) -> String {
    match below(rng, 5) {
        0 => text.nfd().collect(),
        1 => text.nfc().collect(),
        2 => text.to_uppercase(),
        3 => text.nfkc().collect(),
        _ => text.to_owned(),
    }
}

#[test]
fn what_is_folded_is_the_same_however_it_was_typed() {
    let mut rng = from_seed([21; 32]);
    for script in SCRIPTS {
        for _ in 0..200 {
            let text = letters(&mut rng, script, 12);
            let folded = fold(&text);
            assert_eq!(fold(&folded), folded, "twice: {text:?}");
            let forms = [text.nfd().collect(), text.nfc().collect(), text.nfkd().collect(), text.nfkc().collect::<String>()];
            for form in forms {
                assert_eq!(fold(&form), folded, "{text:?} as {form:?}");
            }
            // Capitals write the iota below a letter behind it, on the other side of what is laid over the letter.
            if !text.contains(|c| ('\u{334}'..='\u{338}').contains(&c)) {
                assert_eq!(fold(&text.to_uppercase()), folded, "{text:?} in capitals");
                assert_eq!(fold(&text.to_lowercase()), folded, "{text:?} in small letters");
            }
        }
    }
}

#[test]
fn the_index_and_the_reading_find_the_same_in_forty_scripts() {
    let mut store = Store::open_in_memory().unwrap();
    let anna = add(&mut store, "anna");
    let mut rng = from_seed([22; 32]);
    let mut texts = Vec::new();
    for script in SCRIPTS {
        let written = std::iter::repeat_with(|| Text::new(letters(&mut rng, script, 24))).filter_map(Result::ok);
        texts.extend(written.take(20));
    }
    let jobs = (0..).zip(&texts).map(|(n, text)| job(n, 9, post(anna, n, Target::Room(LOBBY), text.as_str())));
    assert!(store.apply(jobs.collect()).iter().all(|done| done.result.is_ok()));
    let mut hits = 0;
    for text in texts.iter().step_by(5) {
        let letters: Vec<_> = text.as_str().chars().collect();
        let from = usize::try_from(below(&mut rng, letters.len() as u64 - 5)).unwrap();
        let part: String = letters[from..from + 5].iter().collect();
        let asked = otherwise(&mut rng, &part);
        let Ok(asked) = SearchText::new(asked) else { continue };
        let (indexed, read) = both_ways(&store, anna, &asked);
        assert_eq!(indexed, read, "{asked:?}");
        hits += indexed.len();
    }
    assert!(hits > 100, "{hits}: that was hardly a test");
}

/// Where a text stands by the index, and by reading everything.
fn both_ways(store: &Store, account: AccountId, asked: &SearchText) -> (Vec<Seq>, Vec<Seq>) {
    let wanted = fold(asked.as_str());
    if wanted.chars().count() < super::INDEXED_CHARS {
        return (Vec::new(), Vec::new());
    }
    let (connection, limit, bound) = (&store.connection, Limit::new(1000), Seq(u64::MAX));
    let places = conversations::of(connection, account).unwrap();
    let Ok(LookedUp::Sources(sources)) = look_up(connection, &wanted, &places, bound, limit, Depth::Index) else { panic!() };
    let seqs = |hits: Vec<belfry_core::chat::Hit>| hits.iter().map(|hit| hit.message.seq).collect::<Vec<_>>();
    let indexed = seqs(newest(connection, sources, limit).unwrap().entries);
    let read = recent(connection, &wanted, &places, bound, limit, u32::MAX, None).unwrap();
    (indexed, seqs(read.hits(connection, limit).unwrap().entries))
}
