//! A file with its switches.

use std::ops::Range;

use crate::{
    places::Places,
    sites::{Edit, Form, Site},
};

/// The whole file. Where a change is in force the original text around it is used, so that the text does not grow with each level.
pub fn switch(file: &str, source: &str, sites: &[Site], places: &mut Places) -> String {
    let mut writer = Writer { file, source, places, text: String::with_capacity(source.len() * 2) };
    writer.write(0..source.len(), sites);
    writer.text
}

struct Writer<'a> {
    file: &'a str,
    source: &'a str,
    places: &'a mut Places,
    text: String,
}

impl Writer<'_> {
    /// A part of the original with the sites that lie in it, outer ones before inner ones.
    fn write(&mut self, bytes: Range<usize>, mut sites: &[Site]) {
        let mut at = bytes.start;
        while let [site, rest @ ..] = sites {
            self.text.push_str(&self.source[at..site.bytes.start]);
            at = site.bytes.end;
            let inner = rest.iter().take_while(|inner| inner.bytes.start < at).count();
            let (inner, behind) = rest.split_at(inner);
            self.write_site(site, inner);
            sites = behind;
        }
        self.text.push_str(&self.source[at..bytes.end]);
    }

    fn write_site(&mut self, site: &Site, inner: &[Site]) {
        let start = self.text.len();
        match site.form {
            Form::Return => {
                for change in &site.changes {
                    self.write_change(change, &format!(" if {} {{ return {}; }}", on(change), change.replacement));
                }
            }
            Form::NewGuard | Form::LetGuard => {
                for change in &site.changes {
                    let (before, behind) = if site.form == Form::NewGuard { (" if ", "") } else { ("", " && ") };
                    self.write_change(change, &format!("{before}!{}{behind}", on(change)));
                }
                self.write(site.bytes.clone(), inner);
            }
            Form::Guard | Form::Expression => {
                self.text.push('(');
                for change in &site.changes {
                    let changed = self.changed(site, change);
                    self.write_change(change, &format!("if {} {{ ({changed}) }} else ", on(change)));
                }
                self.text.push_str("{ (");
                self.write(site.bytes.clone(), inner);
                self.text.push_str(") })");
                // Where branches do not agree the compiler may blame the last one.
                for change in &site.changes {
                    self.places.place(self.file, start..self.text.len(), change.number);
                }
            }
        }
    }

    fn write_change(&mut self, change: &Edit, text: &str) {
        let start = self.text.len();
        self.text.push_str(text);
        self.places.place(self.file, start..self.text.len(), change.number);
    }

    fn changed(&self, site: &Site, change: &Edit) -> String {
        if site.form == Form::Guard {
            return change.replacement.clone();
        }
        let (before, behind) = (&self.source[site.bytes.start..change.bytes.start], &self.source[change.bytes.end..site.bytes.end]);
        format!("{before}{}{behind}", change.replacement)
    }
}

fn on(change: &Edit) -> String {
    format!("crate::mutant_switch::on({})", change.number)
}
