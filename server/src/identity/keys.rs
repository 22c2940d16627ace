//! What the identity file holds, and how one key follows another.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::Path;

use belfry_core::crypto::{KeyPair, PublicKey};
use belfry_core::limits::IDENTITIES_MAX;
use belfry_core::rng::Rng;
use belfry_core::time::UnixMillis;
use zeroize::Zeroizing;

/// An identity file's length at most: a line for each key with 64 digits, a word and a time.
const IDENTITY_BYTES_MAX: u64 = 640;

/// How long a retired key is accepted: a laptop on a long leave comes back and is told the new one.
pub(super) const RETIRED_KEY_MILLIS: u64 = 30 * 24 * 60 * 60 * 1000;

/// Retired keys that are kept at most: a door shows no more keys than [`IDENTITIES_MAX`].
const RETIRED_MAX: usize = IDENTITIES_MAX - 1;

/// The server's identities.
#[derive(Debug)]
pub struct Identities {
    /// The one that it has.
    pub present: KeyPair,
    /// Those that it had and that clients may still know, newest first.
    pub retired: Vec<KeyPair>,
}

/// What the identity file holds: the key in use, the one from the next start on, and the retired ones with when that was, newest first.
///
/// A key is used only once a server has begun with it: until then no client knows it, and it pushes nothing out.
pub(super) struct Keys {
    present: KeyPair,
    next: Option<KeyPair>,
    retired: Vec<(KeyPair, UnixMillis)>,
}

impl Keys {
    /// The keys of a new house.
    pub(super) fn first(rng: &mut Rng) -> Self {
        Self { present: KeyPair::generate(rng), next: None, retired: Vec::new() }
    }

    /// A server begins: from now on the next key is the present one. Says whether that changes anything.
    pub(super) fn begin(&mut self, now: UnixMillis) -> bool {
        let Some(next) = self.next.take() else { return false };
        let old = std::mem::replace(&mut self.present, next);
        self.retired.insert(0, (old, now));
        self.retired.truncate(RETIRED_MAX);
        true
    }

    /// Makes the key for the next start; gives the one that was to be it until now, which nobody knows.
    pub(super) fn plan(&mut self, rng: &mut Rng) -> Option<PublicKey> {
        self.next.replace(KeyPair::generate(rng)).map(|dropped| dropped.public())
    }

    /// The key for the next start, or else the one in use.
    pub(super) fn coming(&self) -> PublicKey {
        self.next.as_ref().unwrap_or(&self.present).public()
    }

    /// The key that would be pushed out by the next one although it is accepted still, and until when it is.
    pub(super) fn pushed_out(&self, now: UnixMillis) -> Option<(PublicKey, UnixMillis)> {
        let (key, at) = self.retired.get(RETIRED_MAX - 1)?;
        is_accepted(*at, now).then(|| (key.public(), accepted_until(*at)))
    }

    pub(super) fn accepted(self, now: UnixMillis) -> Identities {
        let retired = self.retired.into_iter().filter(|&(_, at)| is_accepted(at, now)).map(|(key, _)| key).collect();
        Identities { present: self.present, retired }
    }

    /// The present key as 64 hexadecimal digits in a line; below it the others, each with what it is: `next`, or `retired` and since when
    /// in milliseconds of Unix time.
    pub(super) fn written(&self) -> Zeroizing<String> {
        let mut text = Zeroizing::new(String::with_capacity(IDENTITY_BYTES_MAX as usize));
        let digits = |text: &mut String, key: &KeyPair| {
            for byte in key.private() {
                for half in [byte >> 4, byte & 15] {
                    text.push(char::from_digit(u32::from(half), 16).unwrap_or('0'));
                }
            }
        };
        digits(&mut text, &self.present);
        text.push('\n');
        if let Some(key) = &self.next {
            digits(&mut text, key);
            text.push_str(" next\n");
        }
        for (key, at) in &self.retired {
            digits(&mut text, key);
            text.push_str(&format!(" retired {}\n", at.0));
        }
        text
    }

    /// `None` when the file does not hold keys.
    pub(super) fn read(path: &Path) -> io::Result<Option<Self>> {
        let mut content = Zeroizing::new(String::with_capacity(IDENTITY_BYTES_MAX as usize));
        match File::open(path)?.take(IDENTITY_BYTES_MAX).read_to_string(&mut content) {
            Err(error) if error.kind() == io::ErrorKind::InvalidData => return Ok(None),
            other => other?,
        };
        Ok(Self::understand(&content))
    }

    fn understand(content: &str) -> Option<Self> {
        let mut lines = content.lines();
        let mut keys = Self { present: read_key(lines.next()?.trim())?, next: None, retired: Vec::new() };
        for line in lines {
            let (key, what) = line.trim_end().split_once(' ')?;
            let key = read_key(key)?;
            match what.strip_prefix("retired ") {
                Some(at) => keys.retired.push((key, UnixMillis(at.trim().parse().ok()?))),
                None if what == "next" && keys.next.is_none() => keys.next = Some(key),
                None => return None,
            }
        }
        Some(keys)
    }
}

const fn accepted_until(at: UnixMillis) -> UnixMillis {
    UnixMillis(at.0.saturating_add(RETIRED_KEY_MILLIS))
}

/// Whether a key that was retired then still opens the door.
const fn is_accepted(at: UnixMillis, now: UnixMillis) -> bool {
    now.0 < accepted_until(at).0
}

fn read_key(digits: &str) -> Option<KeyPair> {
    let mut private = Zeroizing::new([0; 32]);
    if digits.len() != 2 * private.len() {
        return None;
    }
    for (byte, pair) in private.iter_mut().zip(digits.as_bytes().chunks_exact(2)) {
        for &digit in pair {
            *byte = (*byte << 4) | u8::try_from(char::from(digit).to_digit(16)?).ok()?;
        }
    }
    Some(KeyPair::from_private(private))
}
