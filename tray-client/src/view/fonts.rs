//! What is drawn where the system's fonts have nothing.
//!
//! The renderer draws outlines and no colours (slint-ui/slint#3568). A font that has nothing but pictures of its emoji, as the usual one on
//! Linux, leaves a gap; so does a character that no font has. Behind the system's own fonts therefore stand two that the program brings
//! along: the outlines of Noto Emoji, and one that has a box for every character ([decision 32](../../../docs/decisions/0032-emoji-in-outlines.md)).

use std::sync::Arc;

use skrifa::outline::{DrawSettings, OutlinePen};
use skrifa::prelude::{LocationRef, Size};
use skrifa::{FontRef, MetadataProvider as _};
use slint::fontique_011::fontique::{Blob, Collection, FallbackKey, FamilyId, FamilyInfo, GenericFamily, Script};
use slint::fontique_011::shared_collection;

static EMOJI: &[u8] = include_bytes!("../../fonts/NotoEmoji-Regular.ttf");
static BOXES: &[u8] = include_bytes!("../../fonts/Boxes.ttf");

/// What a font of emoji has if it has any.
const SMILE: char = '😀';

/// Whoever draws from now on draws every character. Needs the platform, and no more than once for each.
pub(crate) fn provide() {
    let mut fonts = shared_collection();
    let text = text(&mut fonts);
    let systems = fonts.generic_families(GenericFamily::Emoji).next();
    let systems = systems.filter(|family| fonts.family(*family).is_some_and(|family| draws(&family, SMILE)));
    let brought = register(&mut fonts, EMOJI);
    let emoji: Vec<FamilyId> = systems.into_iter().chain(brought).collect();
    // Directly behind the font of the text: the system's other fonts follow, and one of pictures may be among them.
    fonts.set_generic_families(GenericFamily::SansSerif, text.into_iter().chain(emoji.iter().copied()));
    fonts.set_generic_families(GenericFamily::Emoji, emoji.into_iter());
    // Those for Chinese are asked for every script, after its own: nobody comes later.
    let han = FallbackKey::new(Script::from_bytes(*b"Hani"), None);
    let last: Vec<FamilyId> = fonts.fallback_families(han).collect();
    let boxes = register(&mut fonts, BOXES);
    fonts.set_fallbacks(han, last.into_iter().chain(boxes));
}

/// The fonts that text is in. On Windows first the one that its own windows are in; by itself Slint would take Arial.
fn text(fonts: &mut Collection) -> Vec<FamilyId> {
    let window = fonts.generic_families(GenericFamily::SystemUi).next().filter(|_| cfg!(windows));
    let mut text: Vec<FamilyId> = window.into_iter().chain(fonts.generic_families(GenericFamily::SansSerif).next()).collect();
    text.dedup();
    text
}

fn register(fonts: &mut Collection, font: &'static [u8]) -> Option<FamilyId> {
    fonts.register_fonts(Blob::new(Arc::new(font)), None).first().map(|(family, _)| *family)
}

/// Whether this character has an outline there, and no picture alone.
fn draws(family: &FamilyInfo, character: char) -> bool {
    let Some(info) = family.default_font() else { return false };
    let Some(blob) = info.load(None) else { return false };
    let Ok(font) = FontRef::from_index(blob.as_ref(), info.index()) else { return false };
    let Some(outline) = font.charmap().map(character).and_then(|glyph| font.outline_glyphs().get(glyph)) else { return false };
    let mut ink = Ink(false);
    outline.draw(DrawSettings::unhinted(Size::new(16.0), LocationRef::default()), &mut ink).is_ok() && ink.0
}

/// Whether anything was drawn.
struct Ink(bool);

impl OutlinePen for Ink {
    fn move_to(&mut self, _x: f32, _y: f32) {}
    fn line_to(&mut self, _x: f32, _y: f32) {
        self.0 = true;
    }
    fn quad_to(&mut self, _cx: f32, _cy: f32, _x: f32, _y: f32) {
        self.0 = true;
    }
    fn curve_to(&mut self, _cx0: f32, _cy0: f32, _cx1: f32, _cy1: f32, _x: f32, _y: f32) {
        self.0 = true;
    }
    fn close(&mut self) {}
}
