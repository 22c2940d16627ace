//! `belfry notice template`: notices to start from, kept on the server.

use belfry_core::chat::{Length, Refusal, Request, Severity, Template, TemplateName};
use serde::Serialize;

use super::draft::DraftArgs;
use super::words;
use crate::cli::session::{self, Session};
use crate::cli::text::TypedText;
use crate::config::ConnectionArgs;
use crate::ending::Outcome;
use crate::{output, sentence};

#[derive(clap::Subcommand, Debug)]
pub(crate) enum Command {
    /// Keep a template, in place of one of the same name
    Add(Box<AddArgs>),
    /// List templates
    List {
        /// One JSON object a line
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        connection: ConnectionArgs,
    },
    /// Forget a template
    Remove {
        /// Its name
        name: TemplateName,
        #[command(flatten)]
        connection: ConnectionArgs,
    },
}

#[derive(clap::Args, Debug)]
pub(crate) struct AddArgs {
    #[command(flatten)]
    connection: ConnectionArgs,
    #[command(flatten)]
    draft: DraftArgs,
    /// Its name
    #[arg(value_parser = TemplateName::new)]
    name: TemplateName,
    /// What the notice says, or - for what stands on standard input; put -- before a text that begins with a dash
    body: TypedText,
}

pub(crate) fn run(command: Command) -> Outcome {
    match command {
        Command::Add(args) => add(*args),
        Command::Remove { name, connection } => session::with(&connection, |session| session.ask_done(Request::RemoveTemplate { name })),
        Command::List { json, connection } => session::with(&connection, |session| {
            for template in &fetch(session)? {
                if json { output::json(&object(template))? } else { output::line(line(template))? }
            }
            Ok(())
        }),
    }
}

fn add(args: AddArgs) -> Outcome {
    let AddArgs { connection, draft, name, body } = args;
    draft.check()?;
    let (expires_after_ms, remind) = (draft.expires_after_ms(), draft.reminding());
    // Each option is named, so that one which a template cannot hold does not compile: it would be taken and lost.
    let DraftArgs { severity, title, to: audience, expires: _, answers, remind: _, remind_limit: _ } = draft;
    let severity = severity.unwrap_or(Severity::Info);
    let template = |body| Template { name, severity, title, body, audience, answers, expires_after_ms, remind };
    session::with_input(&connection, || body.read(), |session, body| session.ask_done(Request::SaveTemplate(template(body))))
}

/// The template of that name.
///
/// # Errors
/// Refused where there is none.
pub(super) fn find(session: &mut Session, name: &TemplateName) -> Outcome<Template> {
    fetch(session)?.into_iter().find(|template| template.name.key() == name.key()).ok_or_else(|| Refusal::UnknownTemplate.into())
}

fn fetch(session: &mut Session) -> Outcome<Vec<Template>> {
    session.pages(|page: &[Template]| Request::ListTemplates { after: page.last().map(|template| template.name.clone()) }).all()
}

#[derive(Serialize)]
struct TemplateObject<'a> {
    name: &'a str,
    severity: &'static str,
    title: Option<&'a str>,
    body: &'a str,
    answers: Vec<&'a str>,
    expires: Option<String>,
    to: Vec<String>,
    remind: Option<String>,
    remind_limit: Option<u16>,
}

fn object(template: &Template) -> TemplateObject<'_> {
    TemplateObject {
        name: template.name.as_str(),
        severity: template.severity.as_str(),
        title: template.title.as_ref().map(|title| title.as_str()),
        body: template.body.as_str(),
        answers: template.answers.iter().map(|answer| answer.as_str()).collect(),
        expires: template.expires_after_ms.map(|millis| Length(millis).to_string()),
        to: words::audiences(&template.audience),
        remind: template.remind.map(|remind| Length(remind.every_ms).to_string()),
        remind_limit: template.remind.map(|remind| remind.limit),
    }
}

/// `fire (critical): Leave now. (to everyone; answers: Safe)`
fn line(template: &Template) -> String {
    let heading = template.title.as_ref().map_or_else(|| template.body.as_str().lines().next().unwrap_or_default(), |title| title.as_str());
    let to_whom = words::to_whom(&template.audience, &template.answers);
    format!("{} ({}): {}{to_whom}", sentence::visible(template.name.as_str()), template.severity, sentence::visible(heading))
}

#[cfg(test)]
mod tests {
    use belfry_core::chat::{Audience, Label, Reminding, Text};

    use super::*;

    fn template() -> Template {
        Template {
            name: TemplateName::new("fire").unwrap(),
            severity: Severity::Critical,
            title: None,
            body: Text::new("Leave now.\nBy the stairs.").unwrap(),
            audience: vec![Audience::Group("nurses".parse().unwrap()), Audience::Room("ward".parse().unwrap())],
            answers: vec![Label::new("Safe").unwrap(), Label::new("Need help").unwrap()],
            expires_after_ms: Some(7_200_000),
            remind: Some(Reminding { every_ms: 300_000, limit: 6 }),
        }
    }

    #[test]
    fn a_template_says_whom_it_is_for_and_what_it_offers() {
        assert_eq!(line(&template()), "fire (critical): Leave now. (to group:nurses, room:ward; answers: Safe, Need help)");
        let plain = Template { audience: vec![], answers: vec![], ..template() };
        assert_eq!(line(&plain), "fire (critical): Leave now. (to everyone; answers: Acknowledge)");
    }

    #[test]
    fn a_script_reads_a_template_as_one_object() {
        assert_eq!(
            output::json_text(&object(&template())).unwrap(),
            concat!(
                r#"{"name":"fire","severity":"critical","title":null,"body":"Leave now.\nBy the stairs.","answers":["Safe","Need help"],"#,
                r#""expires":"2h","to":["group:nurses","room:ward"],"remind":"5m","remind_limit":6}"#
            )
        );
    }
}
