// Where graphemes, words, lines and sentences may be broken, with empty dictionaries: the full ones are three megabytes of words in Chinese,
// Japanese, Thai, Lao, Khmer and Burmese. docs/decisions/0020-no-dictionaries-for-breaking-lines.md says why, and what it costs.

mod whole {
    include!(concat!(env!("CARGO_MANIFEST_DIR"), "/data/mod.rs"));
}

// What is named here hides what the asterisk brings.
pub use no_dictionaries as impl_segmenter_dictionary_extended_v2;
pub use no_japanese as impl_segmenter_dictionary_auto_v2;
pub use whole::*;

#[doc(hidden)]
#[macro_export]
macro_rules! no_japanese {
    ($provider:ty) => {
        $crate::knows_no_word!($provider, icu::segmenter::provider::SegmenterDictionaryAutoV2);
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! no_dictionaries {
    ($provider:ty) => {
        $crate::knows_no_word!($provider, icu::segmenter::provider::SegmenterDictionaryExtendedV2);
    };
}

/// Whichever dictionary is asked for: one without a word in it. What is in no dictionary is a word by itself, character by character.
#[doc(hidden)]
#[macro_export]
macro_rules! knows_no_word {
    ($provider:ty, $marker:ty) => {
        impl icu_provider::DataProvider<$marker> for $provider {
            fn load(&self, _: icu_provider::DataRequest) -> Result<icu_provider::DataResponse<$marker>, icu_provider::DataError> {
                const EMPTY: &icu::segmenter::provider::DictionaryBreakData<'static> =
                    &icu::segmenter::provider::DictionaryBreakData::Char16Trie(icu::collections::char16trie::Char16Trie {
                        data: zerovec::ZeroVec::new(),
                    });
                let payload = icu_provider::DataPayload::from_static_ref(EMPTY);
                Ok(icu_provider::DataResponse { payload, metadata: icu_provider::DataResponseMetadata::default() })
            }
        }
    };
}
