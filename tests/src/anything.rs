//! Any value of any type that serde can read, from a seed: a variant that is added tomorrow is drawn tomorrow.

use belfry_core::rng::{Random, Rng, below};
use serde::de::value::Error;
use serde::de::{DeserializeOwned, DeserializeSeed, EnumAccess, IntoDeserializer, MapAccess, SeqAccess, VariantAccess, Visitor};

/// What names and texts are drawn from: good in either, one to four bytes long, composed already.
const LETTERS: &[char] = &['a', 'B', 'z', '0', 'ä', 'é', 'ß', 'Ω', '王', '한', '🔔'];

/// Entries of a list, at most.
const ENTRIES_MAX: u64 = 4;

/// Draws a value.
pub fn anything<T: DeserializeOwned>(rng: &mut Rng) -> T {
    T::deserialize(&mut Anything { rng, outermost: None }).expect("a value of every type can be drawn")
}

/// Draws a value whose outermost enum is this variant of it, counted from 0; `None` when it has fewer.
pub fn one_of<T: DeserializeOwned>(variant: u32, rng: &mut Rng) -> Option<T> {
    T::deserialize(&mut Anything { rng, outermost: Some(variant) }).ok()
}

struct Anything<'r> {
    rng: &'r mut Rng,
    /// What the next enum is to be, if that is not left to chance.
    outermost: Option<u32>,
}

impl Anything<'_> {
    /// A number with any count of bits, so that small and large ones come up alike.
    fn number(&mut self) -> u64 {
        let bits = below(self.rng, 65) as u32;
        self.rng.next_u64().checked_shr(64 - bits).unwrap_or(0)
    }

    fn word(&mut self) -> String {
        let length = 1 + below(self.rng, 12);
        (0..length).map(|_| LETTERS[below(self.rng, LETTERS.len() as u64) as usize]).collect()
    }
}

macro_rules! numbers {
    ($($method:ident $visit:ident $type:ty)*) => {
        $(fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
            visitor.$visit(self.number() as $type)
        })*
    };
}

impl<'de> serde::Deserializer<'de> for &mut Anything<'_> {
    type Error = Error;

    numbers! {
        deserialize_u8 visit_u8 u8
        deserialize_u16 visit_u16 u16
        deserialize_u32 visit_u32 u32
        deserialize_u64 visit_u64 u64
        deserialize_i8 visit_i8 i8
        deserialize_i16 visit_i16 i16
        deserialize_i32 visit_i32 i32
        deserialize_i64 visit_i64 i64
    }

    /// Like the codec: an address is its bytes and not a text.
    fn is_human_readable(&self) -> bool {
        false
    }

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Error> {
        Err(serde::de::Error::custom("a type that does not say what it is"))
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_bool(self.number() & 1 == 1)
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_string(self.word())
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_string(self.word())
    }

    fn deserialize_bytes<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_byte_buf(self.word().into_bytes())
    }

    fn deserialize_byte_buf<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_byte_buf(self.word().into_bytes())
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        if self.rng.next_u64() & 1 == 0 { visitor.visit_none() } else { visitor.visit_some(self) }
    }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_unit()
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_unit()
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(self, _: &'static str, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        let left = below(self.rng, ENTRIES_MAX + 1) as usize;
        visitor.visit_seq(Entries { of: self, left })
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, left: usize, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_seq(Entries { of: self, left })
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(self, _: &'static str, left: usize, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_seq(Entries { of: self, left })
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Error> {
        let left = below(self.rng, ENTRIES_MAX + 1) as usize;
        visitor.visit_map(Entries { of: self, left })
    }

    fn deserialize_struct<V: Visitor<'de>>(self, _: &'static str, fields: &'static [&'static str], visitor: V) -> Result<V::Value, Error> {
        visitor.visit_seq(Entries { of: self, left: fields.len() })
    }

    fn deserialize_enum<V: Visitor<'de>>(self, _: &'static str, variants: &'static [&'static str], visitor: V) -> Result<V::Value, Error> {
        let variant = self.outermost.take().unwrap_or_else(|| below(self.rng, variants.len() as u64) as u32);
        if variant as usize >= variants.len() {
            return Err(serde::de::Error::custom("no such variant"));
        }
        visitor.visit_enum(OneOf { of: self, variant })
    }

    serde::forward_to_deserialize_any! { f32 f64 char identifier ignored_any }
}

struct Entries<'a, 'r> {
    of: &'a mut Anything<'r>,
    left: usize,
}

impl<'de> SeqAccess<'de> for Entries<'_, '_> {
    type Error = Error;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Error> {
        let Some(left) = self.left.checked_sub(1) else { return Ok(None) };
        self.left = left;
        seed.deserialize(&mut *self.of).map(Some)
    }
}

impl<'de> MapAccess<'de> for Entries<'_, '_> {
    type Error = Error;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Error> {
        self.next_element_seed(seed)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Error> {
        seed.deserialize(&mut *self.of)
    }
}

struct OneOf<'a, 'r> {
    of: &'a mut Anything<'r>,
    variant: u32,
}

impl<'de> EnumAccess<'de> for OneOf<'_, '_> {
    type Error = Error;
    type Variant = Self;

    fn variant_seed<V: DeserializeSeed<'de>>(self, seed: V) -> Result<(V::Value, Self), Error> {
        let variant: serde::de::value::U32Deserializer<Error> = self.variant.into_deserializer();
        Ok((seed.deserialize(variant)?, self))
    }
}

impl<'de> VariantAccess<'de> for OneOf<'_, '_> {
    type Error = Error;

    fn unit_variant(self) -> Result<(), Error> {
        Ok(())
    }

    fn newtype_variant_seed<T: DeserializeSeed<'de>>(self, seed: T) -> Result<T::Value, Error> {
        seed.deserialize(self.of)
    }

    fn tuple_variant<V: Visitor<'de>>(self, left: usize, visitor: V) -> Result<V::Value, Error> {
        visitor.visit_seq(Entries { of: self.of, left })
    }

    fn struct_variant<V: Visitor<'de>>(self, fields: &'static [&'static str], visitor: V) -> Result<V::Value, Error> {
        visitor.visit_seq(Entries { of: self.of, left: fields.len() })
    }
}
