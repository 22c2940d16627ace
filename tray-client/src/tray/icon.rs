//! The icon: a bell, drawn anew for every size so that it is crisp at each.
//!
//! Shapes are questions ("is this point inside?") in a square from 0 to 1 with y downwards; coverage is the share of a pixel's sample
//! points that are inside. Digits are drawn on whole pixels: at 16 px nothing else can be read.

use belfry_core::chat::Severity;

use crate::model::Summary;

/// Sample points of a pixel along each side.
const SAMPLES: u32 = 6;

/// Which taskbar the icon stands on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Taskbar {
    /// Dark: the icon is light.
    Dark,
    /// Light: the icon is dark.
    Light,
}

/// A drawn icon.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Picture {
    /// Width and height in pixels.
    pub size: u32,
    /// Red, green, blue and opacity of each pixel, row by row; colours are not multiplied with the opacity.
    pub rgba: Vec<u8>,
}

type Colour = [u8; 3];

const WHITE: Colour = [255, 255, 255];
const BADGE: Colour = [209, 52, 56];

/// Draws the icon, `size` pixels wide and high; 16 to 32 are what it is made for.
pub fn draw(summary: Summary, taskbar: Taskbar, size: u32) -> Picture {
    let ink = ink(summary, taskbar);
    let mut picture = Picture { size, rgba: vec![0; (size * size * 4) as usize] };
    match summary {
        Summary::Connected => picture.fill(ink, in_bell),
        Summary::Offline => picture.fill(ink, |x, y| on_slash(x, y, 0.045) || (in_hollow_bell(x, y) && !on_slash(x, y, 0.12))),
        Summary::NoticeWaiting(Severity::Info) => picture.fill(ink, in_bell),
        Summary::NoticeWaiting(_) => picture.fill(ink, |x, y| in_bell(x, y) && !in_exclamation(x, y)),
        Summary::DoNotDisturb => {
            picture.fill(ink, |x, y| (in_bell(x, y) && !in_circle(x, y, MOON, 0.31)) || in_crescent(x, y));
        }
        Summary::Unread(count) => {
            picture.fill(ink, in_bell);
            picture.badge(count);
        }
    }
    picture
}

/// Severities have the colours of their popups, lighter on a dark taskbar.
fn ink(summary: Summary, taskbar: Taskbar) -> Colour {
    match (summary, taskbar) {
        (Summary::NoticeWaiting(Severity::Info), Taskbar::Light) => [0, 95, 184],
        (Summary::NoticeWaiting(Severity::Info), Taskbar::Dark) => [96, 205, 255],
        (Summary::NoticeWaiting(Severity::Important), Taskbar::Light) => [174, 98, 0],
        (Summary::NoticeWaiting(Severity::Important), Taskbar::Dark) => [255, 185, 0],
        (Summary::NoticeWaiting(Severity::Critical), Taskbar::Light) => [196, 43, 28],
        (Summary::NoticeWaiting(Severity::Critical), Taskbar::Dark) => [255, 99, 92],
        (_, Taskbar::Dark) => WHITE,
        (_, Taskbar::Light) => [27, 27, 27],
    }
}

const MOON: (f32, f32) = (0.76, 0.72);

fn in_circle(x: f32, y: f32, (cx, cy): (f32, f32), radius: f32) -> bool {
    (x - cx).powi(2) + (y - cy).powi(2) <= radius * radius
}

fn in_bell(x: f32, y: f32) -> bool {
    let aside = (x - 0.5).abs();
    let dome = (0.13..=0.42).contains(&y) && in_circle(x, y, (0.5, 0.40), 0.27);
    let body = (0.40..=0.72).contains(&y) && aside <= 0.27 + 0.9 * (y - 0.40).powi(3) + 0.06 * (y - 0.40) / 0.32;
    let brim = (0.68..=0.79).contains(&y) && aside <= 0.40;
    let knob = in_circle(x, y, (0.5, 0.11), 0.065);
    let clapper = y >= 0.84 && in_circle(x, y, (0.5, 0.84), 0.12);
    dome || body || brim || knob || clapper
}

/// The bell's outline: inside, and outside of the bell made smaller on all sides.
fn in_hollow_bell(x: f32, y: f32) -> bool {
    const LINE: f32 = 0.075;
    let near = |dx: f32, dy: f32| in_bell(x + dx * LINE, y + dy * LINE);
    let diagonal = std::f32::consts::FRAC_1_SQRT_2;
    let deep = near(1.0, 0.0)
        && near(-1.0, 0.0)
        && near(0.0, 1.0)
        && near(0.0, -1.0)
        && near(diagonal, diagonal)
        && near(-diagonal, diagonal)
        && near(diagonal, -diagonal)
        && near(-diagonal, -diagonal);
    in_bell(x, y) && !deep
}

fn on_slash(x: f32, y: f32, half_width: f32) -> bool {
    let across = ((x - y) * std::f32::consts::FRAC_1_SQRT_2).abs();
    let along = f32::midpoint(x, y);
    across <= half_width && (0.06..=0.94).contains(&along)
}

fn in_exclamation(x: f32, y: f32) -> bool {
    let stroke = (x - 0.5).abs() <= 0.055 && (0.26..=0.50).contains(&y);
    stroke || in_circle(x, y, (0.5, 0.605), 0.062)
}

fn in_crescent(x: f32, y: f32) -> bool {
    in_circle(x, y, MOON, 0.23) && !in_circle(x, y, (MOON.0 + 0.11, MOON.1 - 0.09), 0.20)
}

/// Three pixels wide and five high, a bit a pixel, the uppermost row first.
const fn glyph(letter: u8) -> [u8; 5] {
    match letter {
        b'1' => [0b010, 0b110, 0b010, 0b010, 0b111],
        b'2' => [0b111, 0b001, 0b111, 0b100, 0b111],
        b'3' => [0b111, 0b001, 0b011, 0b001, 0b111],
        b'4' => [0b101, 0b101, 0b111, 0b001, 0b001],
        b'5' => [0b111, 0b100, 0b111, 0b001, 0b111],
        b'6' => [0b111, 0b100, 0b111, 0b101, 0b111],
        b'7' => [0b111, 0b001, 0b010, 0b010, 0b010],
        b'8' => [0b111, 0b101, 0b111, 0b101, 0b111],
        b'9' => [0b111, 0b101, 0b111, 0b001, 0b111],
        _ => [0b000, 0b010, 0b111, 0b010, 0b000],
    }
}

impl Picture {
    #[expect(clippy::cast_precision_loss, reason = "icons are a few hundred pixels wide at most")]
    fn fill(&mut self, colour: Colour, inside: impl Fn(f32, f32) -> bool) {
        let size = self.size;
        let step = 1.0 / (size * SAMPLES) as f32;
        for y in 0..size {
            for x in 0..size {
                let hits = (0..SAMPLES * SAMPLES).filter(|sample| {
                    let (across, down) = (x * SAMPLES + sample % SAMPLES, y * SAMPLES + sample / SAMPLES);
                    inside((across as f32 + 0.5) * step, (down as f32 + 0.5) * step)
                });
                let share = hits.count() as f32 / (SAMPLES * SAMPLES) as f32;
                self.blend(x, y, colour, share);
            }
        }
    }

    /// Lays a colour over a pixel; `share` is how much of it is covered, 0 to 1.
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "what is rounded lies between 0 and 255")]
    fn blend(&mut self, x: u32, y: u32, colour: Colour, share: f32) {
        if share <= 0.0 {
            return;
        }
        let at = ((y * self.size + x) * 4) as usize;
        let Some([red, green, blue, opacity]) = self.rgba.get_mut(at..at + 4) else { return };
        let below = f32::from(*opacity) / 255.0;
        let together = share + below * (1.0 - share);
        for (channel, new) in [red, green, blue].into_iter().zip(colour) {
            let mixed = (f32::from(new) * share + f32::from(*channel) * below * (1.0 - share)) / together;
            *channel = mixed.round() as u8;
        }
        *opacity = (together * 255.0).round() as u8;
    }

    /// How many are unread, 1 to 9+, on a red dot at the bottom right.
    #[expect(clippy::cast_precision_loss, reason = "icons are a few hundred pixels wide at most")]
    fn badge(&mut self, count: u64) {
        let text = if count > 9 { "9+".to_owned() } else { count.to_string() };
        // A glyph's pixel is this many of the picture's.
        let scale = (self.size / 14).max(1);
        let letters = u32::try_from(text.len()).unwrap_or(2);
        let (width, height) = ((letters * 4 - 1) * scale, 5 * scale);
        let (wide, high) = (width + 4 * scale, height + 4 * scale);
        let (left, top) = (self.size.saturating_sub(wide), self.size.saturating_sub(high));
        let unit = 1.0 / self.size as f32;
        let radius = high as f32 * unit / 2.0;
        let middle = (self.size as f32 - high as f32 / 2.0) * unit;
        let (near, far) = (left as f32 * unit + radius, 1.0 - radius);
        let pill = move |x: f32, y: f32, more: f32| {
            let across = x.clamp(near.min(far), far);
            in_circle(x, y, (across, middle), radius + more)
        };
        self.clear(|x, y| pill(x, y, unit));
        self.fill(BADGE, |x, y| pill(x, y, 0.0));
        for (index, letter) in (0u32..).zip(text.bytes()) {
            for (row, bits) in (0u32..).zip(glyph(letter)) {
                for column in (0..3).filter(|column| bits & (0b100 >> column) != 0) {
                    for dot in 0..scale * scale {
                        let x = left + 2 * scale + (index * 4 + column) * scale + dot % scale;
                        let y = top + 2 * scale + row * scale + dot / scale;
                        if x < self.size && y < self.size {
                            self.blend(x, y, WHITE, 1.0);
                        }
                    }
                }
            }
        }
    }

    /// Makes a gap, so that what comes on top stands off from what is below.
    #[expect(clippy::cast_precision_loss, reason = "icons are a few hundred pixels wide at most")]
    fn clear(&mut self, inside: impl Fn(f32, f32) -> bool) {
        let size = self.size;
        for (index, pixel) in (0u32..).zip(self.rgba.chunks_exact_mut(4)) {
            if inside((index % size) as f32 / size as f32 + 0.5 / size as f32, (index / size) as f32 / size as f32 + 0.5 / size as f32) {
                pixel.fill(0);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STATES: [Summary; 8] = [
        Summary::Offline,
        Summary::Connected,
        Summary::Unread(3),
        Summary::Unread(42),
        Summary::NoticeWaiting(Severity::Info),
        Summary::NoticeWaiting(Severity::Important),
        Summary::NoticeWaiting(Severity::Critical),
        Summary::DoNotDisturb,
    ];

    const SIZES: [u32; 4] = [16, 20, 24, 32];

    fn pixel(picture: &Picture, x: u32, y: u32) -> [u8; 4] {
        let at = ((y * picture.size + x) * 4) as usize;
        picture.rgba[at..at + 4].try_into().unwrap()
    }

    /// How much of the picture is covered, as a share.
    fn covered(picture: &Picture) -> f32 {
        picture.rgba.chunks_exact(4).map(|pixel| f32::from(pixel[3]) / 255.0).sum::<f32>() / (picture.size * picture.size) as f32
    }

    /// What the shape alone says, without the colour.
    fn silhouette(picture: &Picture) -> Vec<bool> {
        picture.rgba.chunks_exact(4).map(|pixel| pixel[3] > 127).collect()
    }

    #[test]
    fn every_state_is_another_picture_at_every_size() {
        for size in SIZES {
            for taskbar in [Taskbar::Dark, Taskbar::Light] {
                let pictures: Vec<_> = STATES.iter().map(|&state| draw(state, taskbar, size)).collect();
                for (index, picture) in pictures.iter().enumerate() {
                    assert!(!pictures[..index].contains(picture), "{:?} at {size} px looks like another state", STATES[index]);
                }
            }
        }
    }

    #[test]
    fn offline_and_do_not_disturb_are_told_without_a_colour() {
        for size in SIZES {
            let shape = |state| silhouette(&draw(state, Taskbar::Dark, size));
            let connected = shape(Summary::Connected);
            for state in [Summary::Offline, Summary::DoNotDisturb, Summary::NoticeWaiting(Severity::Critical)] {
                let differing = shape(state).iter().zip(&connected).filter(|(one, other)| one != other).count();
                assert!(differing >= (size * size / 60) as usize, "{state:?} at {size} px differs in {differing} pixels");
            }
        }
    }

    #[test]
    fn the_bell_fills_its_square_and_leaves_its_corners_free() {
        for size in SIZES {
            let bell = draw(Summary::Connected, Taskbar::Dark, size);
            assert!((0.3..0.6).contains(&covered(&bell)), "{}", covered(&bell));
            assert_eq!(pixel(&bell, 0, 0)[3], 0);
            assert_eq!(pixel(&bell, size - 1, size - 1)[3], 0);
            assert_eq!(pixel(&bell, size / 2, size / 2), [255, 255, 255, 255]);
        }
    }

    #[test]
    fn a_light_taskbar_has_a_dark_bell() {
        assert_eq!(pixel(&draw(Summary::Connected, Taskbar::Light, 16), 8, 8), [27, 27, 27, 255]);
    }

    #[test]
    fn the_count_stands_in_white_on_red_at_the_bottom_right() {
        let icon = draw(Summary::Unread(1), Taskbar::Dark, 16);
        let corner = (8..16).flat_map(|y| (8..16).map(move |x| (x, y))).map(|(x, y)| pixel(&icon, x, y));
        let (white, red) = corner.fold((0, 0), |(white, red), [r, g, _, opacity]| match (opacity, g) {
            (255, 255) => (white + 1, red),
            (255, 52) if r == 209 => (white, red + 1),
            _ => (white, red),
        });
        assert!(white >= 6 && red >= 12, "{white} white, {red} red");
    }

    #[test]
    fn more_than_nine_are_nine_and_more() {
        assert_eq!(draw(Summary::Unread(10), Taskbar::Dark, 32), draw(Summary::Unread(u64::MAX), Taskbar::Dark, 32));
    }

    #[test]
    fn a_very_small_icon_is_drawn_without_a_fault() {
        for state in STATES {
            assert_eq!(draw(state, Taskbar::Dark, 1).rgba.len(), 4);
        }
    }
}
