//! Where everything is in a window, and what must be true of that whatever the window says.

use std::ops::ControlFlow;

use i_slint_backend_testing::{AccessibleRole, ElementHandle, ElementRoot};

/// Rounding, and a border that stands on the edge.
const SLACK: f32 = 1.0;
/// What is used by a pointer is as high as a line at least, with text of the usual size, and grows with it.
const HEIGHT_LEAST: f32 = 17.5;

/// What is inside of a field of the library is its own business.
const FIELDS: [&str; 5] = ["LineEdit", "TextEdit", "SpinBox", "ComboBox", "CheckBox"];
/// A question over everything else: nothing beside it can be used.
const MODAL: &str = "Question";

/// A rectangle of the window, in its own pixels.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Area {
    left: f32,
    top: f32,
    right: f32,
    bottom: f32,
}

impl Area {
    pub(super) fn of_size(width: f32, height: f32) -> Self {
        Self { left: 0.0, top: 0.0, right: width, bottom: height }
    }

    fn of(element: &ElementHandle) -> Self {
        let (corner, size) = (element.absolute_position(), element.size());
        Self { left: corner.x, top: corner.y, right: corner.x + size.width, bottom: corner.y + size.height }
    }

    pub(super) fn width(self) -> f32 {
        self.right - self.left
    }

    pub(super) fn height(self) -> f32 {
        self.bottom - self.top
    }

    /// In the middle, and at the right edge, where nothing else takes the wheel.
    pub(super) fn wheel_points(self) -> [(f32, f32); 2] {
        let middle = self.top + self.height() / 2.0;
        [(self.left + self.width() / 2.0, middle), (self.right - 4.0, middle)]
    }

    /// The part of both; empty where there is none.
    fn within(self, other: Self) -> Self {
        let (left, top) = (self.left.max(other.left), self.top.max(other.top));
        Self { left, top, right: self.right.min(other.right).max(left), bottom: self.bottom.min(other.bottom).max(top) }
    }

    fn fits_across(self, other: Self) -> bool {
        self.left >= other.left - SLACK && self.right <= other.right + SLACK
    }

    fn fits(self, other: Self) -> bool {
        self.fits_across(other) && self.top >= other.top - SLACK && self.bottom <= other.bottom + SLACK
    }

    fn is_seen(self) -> bool {
        self.width() > 2.0 * SLACK && self.height() > 2.0 * SLACK
    }
}

/// An element, and which others it is inside of.
pub(super) struct Node {
    handle: ElementHandle,
    kind: String,
    id: String,
    area: Area,
    parent: Option<usize>,
}

impl Node {
    fn label(&self) -> String {
        let mut label: String = self.handle.accessible_label().unwrap_or_default().chars().take(40).collect();
        if label.is_empty() {
            label.clone_from(&self.id);
        }
        format!("{} {label:?} {:?}", self.kind, self.area)
    }

    fn is(&self, kind: &str) -> bool {
        self.kind == kind || self.handle.bases().is_some_and(|mut bases| bases.any(|base| base == kind))
    }

    /// What is inside of it, is asked about; of all others that would take too long.
    fn is_parent(&self) -> bool {
        self.is_usable() || FIELDS.iter().chain(&["Flickable", MODAL]).any(|kind| self.is(kind))
    }

    /// What a pointer or a key can do something with.
    fn is_usable(&self) -> bool {
        self.handle.accessible_enabled() != Some(false)
            && matches!(
                self.handle.accessible_role(),
                Some(
                    AccessibleRole::Button
                        | AccessibleRole::Checkbox
                        | AccessibleRole::Combobox
                        | AccessibleRole::ListItem
                        | AccessibleRole::RadioButton
                        | AccessibleRole::Slider
                        | AccessibleRole::Spinbox
                        | AccessibleRole::Switch
                        | AccessibleRole::TextInput
                )
            )
    }
}

/// Everything in a window that can be seen or scrolled to, parents before their children.
pub(super) struct Survey {
    window: Area,
    nodes: Vec<Node>,
}

/// How many elements are inside of this one.
fn weight(element: &ElementHandle) -> usize {
    let mut inside = 0;
    element.visit_descendants::<()>(|_| {
        inside += 1;
        ControlFlow::Continue(())
    });
    inside
}

impl Survey {
    pub(super) fn of(window: &(impl ElementRoot + 'static), size: Area) -> Self {
        let mut handles = Vec::new();
        window.root_element().visit_descendants::<()>(|element| {
            handles.push(element);
            ControlFlow::Continue(())
        });
        let mut nodes: Vec<Node> = Vec::with_capacity(handles.len());
        // Who is still open: an element, and behind which one its last child is. Elements that Slint has made one item of have as much
        // inside of them as each other; what is inside comes behind the last of them.
        let mut open: Vec<(usize, usize)> = Vec::new();
        for (index, handle) in handles.iter().enumerate() {
            while open.last().is_some_and(|&(_, end)| end <= index) {
                open.pop();
            }
            let parent = open.last().map(|&(parent, _)| parent);
            let node = Node {
                kind: handle.type_name().unwrap_or_default().into(),
                id: handle.id().unwrap_or_default().into(),
                area: Area::of(handle),
                handle: handle.clone(),
                parent,
            };
            if node.is_parent() {
                let inside = weight(handle);
                let same = handles.iter().skip(index + 1).take_while(|next| inside > 0 && weight(next) == inside).count();
                open.push((index, index + 1 + same + inside));
            }
            nodes.push(node);
        }
        Self { window: size, nodes }
    }

    fn ancestors(&self, index: usize) -> impl Iterator<Item = usize> + '_ {
        std::iter::successors(self.nodes[index].parent, |&parent| self.nodes[parent].parent)
    }

    /// What is scrolled and has this inside of it.
    fn scrolled_by(&self, index: usize) -> Option<usize> {
        self.ancestors(index).find(|&parent| self.nodes[parent].is("Flickable"))
    }

    /// The part of an element that is on the screen.
    fn seen(&self, index: usize) -> Area {
        let clip = self.ancestors(index).filter(|&parent| self.nodes[parent].is("Flickable")).map(|parent| self.nodes[parent].area);
        clip.fold(self.nodes[index].area.within(self.window), Area::within)
    }

    /// Each usable thing once: what several elements were made one item of is the same thing.
    fn usable(&self) -> Vec<usize> {
        let mut found: Vec<usize> = Vec::new();
        for (index, node) in self.nodes.iter().enumerate() {
            let twice = |&other: &usize| {
                let other = &self.nodes[other];
                other.area == node.area && other.handle.accessible_label() == node.handle.accessible_label()
            };
            let inside = self.ancestors(index).any(|parent| FIELDS.iter().any(|kind| self.nodes[parent].is(kind)));
            if node.is_usable() && !inside && !found.iter().any(twice) && node.area.is_seen() {
                found.push(index);
            }
        }
        found
    }

    /// Everything that is not as it must be, in sentences.
    pub(super) fn complaints(&self, scale: f32) -> Vec<String> {
        let mut complaints = Vec::new();
        let usable = self.usable();
        for &index in &usable {
            self.reachable(index, &mut complaints);
            self.large_enough(index, scale, &mut complaints);
        }
        for (at, &one) in usable.iter().enumerate() {
            for &other in &usable[at + 1..] {
                self.apart(one, other, &mut complaints);
            }
        }
        self.words_fit(&mut complaints);
        complaints
    }

    /// It is inside the window, or inside of what is scrolled and no wider than that.
    fn reachable(&self, index: usize, complaints: &mut Vec<String>) {
        let node = &self.nodes[index];
        match self.scrolled_by(index) {
            None if !node.area.fits(self.window) => complaints.push(format!("outside of the window: {}", node.label())),
            Some(list) if !node.area.fits_across(self.nodes[list].area) => {
                complaints.push(format!("wider than what scrolls it: {} in {}", node.label(), self.nodes[list].label()));
            }
            _ => {}
        }
        if let Some(list) = self.scrolled_by(index) {
            let list = &self.nodes[list];
            if !list.area.fits(self.window) && self.scrolled_by_window_only(index) {
                complaints.push(format!("in a list that is outside of the window: {} in {}", node.label(), list.label()));
            }
        }
    }

    fn scrolled_by_window_only(&self, index: usize) -> bool {
        self.scrolled_by(index).is_some_and(|list| self.scrolled_by(list).is_none())
    }

    fn large_enough(&self, index: usize, scale: f32, complaints: &mut Vec<String>) {
        let node = &self.nodes[index];
        let least = HEIGHT_LEAST * scale;
        // Text that can be selected is as high as the text.
        let words = ["TextInput", "Link", "MessageLine"].iter().any(|kind| node.is(kind));
        if !words && node.area.height() < least - SLACK {
            complaints.push(format!("lower than {least}: {}", node.label()));
        }
    }

    /// Two things that can be used are not on top of each other, unless one is inside of the other.
    fn apart(&self, one: usize, other: usize, complaints: &mut Vec<String>) {
        // The same item may be several elements.
        let is_same =
            |one: usize, other: usize| self.nodes[one].area == self.nodes[other].area && self.nodes[one].parent == self.nodes[other].parent;
        let inside = |inner: usize, outer: usize| self.ancestors(inner).any(|parent| parent == outer || is_same(parent, outer));
        if inside(one, other) || inside(other, one) {
            return;
        }
        let modal = |index: usize| self.ancestors(index).any(|parent| self.nodes[parent].is(MODAL));
        if modal(one) != modal(other) {
            return;
        }
        // What appears under the pointer lies over what it belongs to.
        if [one, other].iter().any(|&index| self.nodes[index].handle.computed_opacity() < 0.01) {
            return;
        }
        let common = self.seen(one).within(self.seen(other));
        if common.is_seen() {
            complaints.push(format!("on top of each other: {} and {}", self.nodes[one].label(), self.nodes[other].label()));
        }
    }

    /// The words of a button stand inside of it.
    fn words_fit(&self, complaints: &mut Vec<String>) {
        for (index, node) in self.nodes.iter().enumerate() {
            if !node.is("Text") {
                continue;
            }
            let button = self.ancestors(index).find(|&parent| self.nodes[parent].handle.accessible_role() == Some(AccessibleRole::Button));
            if let Some(button) = button
                && !node.area.fits(self.nodes[button].area)
            {
                complaints.push(format!("words beside their button: {} in {}", node.label(), self.nodes[button].label()));
            }
        }
    }

    /// What scrolls, apart from the fields of the library.
    pub(super) fn scrolled(&self) -> Vec<Area> {
        self.lists().into_iter().map(|list| self.seen(list)).collect()
    }

    fn lists(&self) -> Vec<usize> {
        let of_a_field = |index: usize| self.ancestors(index).any(|parent| FIELDS.iter().any(|kind| self.nodes[parent].is(kind)));
        (0..self.nodes.len()).filter(|&index| self.nodes[index].is("Flickable") && !of_a_field(index)).collect()
    }

    /// The same after everything was scrolled to its end: the last thing in each list is there as a whole, if it is no higher than the list.
    pub(super) fn complaints_at_the_end(&self, scale: f32) -> Vec<String> {
        let mut complaints = self.complaints(scale);
        for list in self.lists() {
            let area = self.nodes[list].area;
            let inside = self.usable().into_iter().filter(|&index| self.scrolled_by(index) == Some(list));
            let Some(last) = inside.max_by(|&one, &other| self.nodes[one].area.bottom.total_cmp(&self.nodes[other].area.bottom)) else {
                continue;
            };
            if area.height() < HEIGHT_LEAST * scale {
                complaints.push(format!("no room for its content: {}", self.nodes[list].label()));
            }
            if self.nodes[last].area.bottom > area.bottom + SLACK {
                complaints.push(format!("not to be scrolled to: {} in {}", self.nodes[last].label(), self.nodes[list].label()));
            }
        }
        complaints
    }

    /// The elements that a window's description calls so.
    pub(super) fn of_id<'a>(&'a self, id: &'a str) -> impl Iterator<Item = &'a Node> + 'a {
        self.nodes.iter().filter(move |node| node.id == id)
    }

    /// The elements of this kind.
    pub(super) fn of_kind<'a>(&'a self, kind: &'a str) -> impl Iterator<Item = &'a Node> + 'a {
        self.nodes.iter().filter(move |node| node.is(kind))
    }
}

impl Node {
    pub(super) fn area(&self) -> Area {
        self.area
    }
}
