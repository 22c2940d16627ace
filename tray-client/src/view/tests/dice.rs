//! What a house may hold: any name, any text, any number of answers, any window. One seed makes one scene.

use belfry_core::rng::{Rng, below, from_seed};

use crate::scene::SeverityLevel;
use crate::settings::Theme;

/// Words of scripts that are wide, high, written from the right, joined, or without spaces.
const WORDS: [&str; 14] = [
    "meeting",
    "the",
    "Krankenhausverwaltungsangestellte",
    "noon",
    "会议",
    "打印机在二楼",
    "اجتماع",
    "الطابق",
    "ประชุมวันนี้",
    "ชั้นสอง",
    "🔥",
    "👩‍⚕️",
    "🇩🇪",
    "Ward-4/North",
];

pub(super) struct Dice(Rng);

/// How a window looks, and how large it is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Frame {
    pub(super) theme: Theme,
    pub(super) percent: u16,
    pub(super) language: &'static str,
    pub(super) width: f32,
    pub(super) height: f32,
}

impl Frame {
    pub(super) fn scale(self) -> f32 {
        f32::from(self.percent) / 100.0
    }
}

impl Dice {
    pub(super) fn new(seed: u64) -> Self {
        let mut bytes = [0; 32];
        bytes[..8].copy_from_slice(&seed.to_le_bytes());
        Self(from_seed(bytes))
    }

    pub(super) fn below(&mut self, bound: usize) -> usize {
        usize::try_from(below(&mut self.0, bound as u64)).unwrap()
    }

    pub(super) fn up_to(&mut self, most: usize) -> usize {
        self.below(most + 1)
    }

    pub(super) fn coin(&mut self) -> bool {
        self.below(2) == 0
    }

    pub(super) fn one_of<T: Copy>(&mut self, all: &[T]) -> T {
        all[self.below(all.len())]
    }

    /// Words until there are so many letters.
    fn words(&mut self, letters: usize) -> String {
        let mut text = String::new();
        while text.chars().count() < letters {
            if !text.is_empty() {
                text.push(' ');
            }
            text.push_str(self.one_of(&WORDS));
        }
        text.chars().take(letters).collect()
    }

    /// What an account, a room or a group is called.
    pub(super) fn name(&mut self) -> String {
        let letters = 1 + self.below(64);
        match self.below(4) {
            0 => "W".repeat(letters),
            1 => self.one_of(&["Anna Berg", "王伟", "x"]).into(),
            _ => self.words(letters),
        }
    }

    /// What a message or a notice says.
    pub(super) fn text(&mut self) -> String {
        match self.below(8) {
            0 => String::new(),
            1 => {
                let lines = 1 + self.below(200);
                (0..lines).map(|_| self.words(8)).collect::<Vec<_>>().join("\n")
            }
            2 => "W".repeat(200),
            3 => "m".repeat(1 + self.below(20_000)),
            4 => self.words(2_000),
            5 => format!("{} https://{}.example/{}", self.words(20), "a".repeat(self.below(40)), "long-".repeat(self.below(60))),
            _ => {
                let letters = 1 + self.below(200);
                self.words(letters)
            }
        }
    }

    /// What somebody has written or pasted and not yet sent.
    pub(super) fn draft(&mut self) -> String {
        match self.below(4) {
            0 => "0123456789abcde\n".repeat(66 * 64),
            1 => "line\n".repeat(1 + self.below(200)),
            _ => self.text(),
        }
    }

    /// What the windows themselves say in this place may be as long as this.
    pub(super) fn sentence(&mut self) -> String {
        let letters = 20 + self.below(240);
        if self.coin() { String::new() } else { self.words(letters) }
    }

    pub(super) fn answers(&mut self) -> Vec<String> {
        let count = self.up_to(8);
        let long = self.coin();
        (0..count)
            .map(|_| {
                let letters = if long { 1 + self.below(64) } else { 1 + self.below(8) };
                if self.coin() { "W".repeat(letters) } else { self.words(letters) }
            })
            .collect()
    }

    pub(super) fn level(&mut self) -> SeverityLevel {
        self.one_of(&[SeverityLevel::Info, SeverityLevel::Important, SeverityLevel::Critical])
    }

    /// A window that is as small as it gets, as large as a large screen, or something between.
    pub(super) fn frame(&mut self, least: impl Fn(f32) -> (f32, f32)) -> Frame {
        let theme = self.one_of(&[Theme::Light, Theme::Dark]);
        let percent = self.one_of(&[100, 110, 130, 150, 180, 200, 200]);
        let language = self.one_of(&["", "zh"]);
        let (narrowest, lowest) = least(f32::from(percent) / 100.0);
        let between = |dice: &mut Self, least: f32, most: u16| {
            let room = (f32::from(most) - least).max(0.0);
            least + (room * f32::from(u16::try_from(dice.below(1000)).unwrap()) / 1000.0).round()
        };
        let (width, height) = match self.below(6) {
            0 | 1 => (narrowest, lowest),
            2 => (3840.0_f32.max(narrowest), 2160.0_f32.max(lowest)),
            3 => (narrowest, between(self, lowest, 2160)),
            4 => (between(self, narrowest, 3840), lowest),
            _ => (between(self, narrowest, 1400), between(self, lowest, 900)),
        };
        Frame { theme, percent, language, width, height }
    }
}
