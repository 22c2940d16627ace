//! Notices to start from.

use std::collections::BTreeMap;
use std::ops::Bound;

use belfry_core::chat::{Audience, Refusal, RoomName, Template, TemplateName};

use crate::hub::{Context, Hub, PendingJob, page};
use crate::limits::TEMPLATES_MAX;
use crate::store::Work;

/// Every template by what its name is unique by.
#[derive(Debug, Default)]
pub(in crate::hub) struct Templates {
    by_key: BTreeMap<String, Template>,
}

impl Templates {
    pub(in crate::hub) fn new(templates: Vec<Template>) -> Self {
        Self { by_key: templates.into_iter().map(|template| (template.name.key(), template)).collect() }
    }

    pub(in crate::hub) fn save(&mut self, template: Template) {
        self.by_key.insert(template.name.key(), template);
    }

    pub(in crate::hub) fn remove(&mut self, name: &TemplateName) {
        self.by_key.remove(&name.key());
    }

    /// A room is closed, and whom the templates that named it are for is to be said anew, also in the store.
    pub(in crate::hub) fn close_room(&mut self, name: &RoomName) {
        for template in self.by_key.values_mut().filter(|template| Audience::names_room(&template.audience, name)) {
            template.audience.clear();
        }
    }

    /// A room has another name, also in the store.
    pub(in crate::hub) fn rename_room(&mut self, old: &RoomName, new: &RoomName) {
        for template in self.by_key.values_mut() {
            Audience::rename_room(&mut template.audience, old, new);
        }
    }
}

impl Hub {
    pub(in crate::hub) fn save_template(&mut self, context: Context<'_>, template: Template) -> Result<(), Refusal> {
        template.check()?;
        let is_new = !self.templates.by_key.contains_key(&template.name.key());
        if is_new && self.templates.by_key.len() >= TEMPLATES_MAX {
            return Err(Refusal::TooMany);
        }
        self.submit_for(
            context,
            Work::SaveTemplate(template.clone()),
            PendingJob::SaveTemplate { to: context.to, template: Box::new(template) },
        )
    }

    pub(in crate::hub) fn remove_template(&mut self, context: Context<'_>, name: TemplateName) -> Result<(), Refusal> {
        self.submit_for(context, Work::RemoveTemplate { name: name.clone() }, PendingJob::RemoveTemplate { to: context.to, name })
    }

    pub(in crate::hub) fn list_templates(&mut self, context: Context<'_>, after: Option<&TemplateName>) {
        let start = after.map_or(Bound::Unbounded, |name| Bound::Excluded(name.key()));
        let templates = page(self.templates.by_key.range((start, Bound::Unbounded)).map(|(_, template)| template.clone()), false);
        self.reply(context.to, Ok(templates.into()));
    }
}
