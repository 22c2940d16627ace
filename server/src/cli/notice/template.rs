//! `belfry notice template`: notices to start from, kept on the server.

use belfry_core::chat::{Answer, Refusal, Request, Severity, Template, TemplateName};
use serde::Serialize;

use super::send::DraftArgs;
use super::when;
use crate::cli::session::{self, Session};
use crate::cli::text::TypedText;
use crate::cli::{Outcome, output, unexpected, user};
use crate::config::ConnectionArgs;

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
        Command::Remove { name, connection } => session::with(&connection, |session| user::done(session, Request::RemoveTemplate { name })),
        Command::List { json, connection } => session::with(&connection, |session| {
            for template in &fetch(session)? {
                if json { output::json(&object(template))? } else { output::line(line(template))? }
            }
            Ok(())
        }),
    }
}

fn add(args: AddArgs) -> Outcome {
    args.draft.check()?;
    let draft = args.draft;
    let expires_after_ms = draft.expires_after_ms();
    let template = |body| Template {
        name: args.name,
        severity: draft.severity.map_or(Severity::Info, Into::into),
        remind: draft.reminding(),
        title: draft.title,
        body,
        answers: draft.answers,
        expires_after_ms,
        audience: draft.to,
    };
    session::with_input(&args.connection, || args.body.read(), |session, body| user::done(session, Request::SaveTemplate(template(body))))
}

/// The template of that name.
///
/// # Errors
/// Refused where there is none.
pub(super) fn find(session: &mut Session, name: &TemplateName) -> Outcome<Template> {
    fetch(session)?.into_iter().find(|template| template.name.key() == name.key()).ok_or_else(|| Refusal::UnknownTemplate.into())
}

fn fetch(session: &mut Session) -> Outcome<Vec<Template>> {
    let mut all: Vec<Template> = Vec::new();
    loop {
        let after = all.last().map(|template| template.name.clone());
        let Answer::Templates { templates, more } = session.ask(Request::ListTemplates { after })? else {
            return Err(unexpected());
        };
        let more = more && !templates.is_empty();
        all.extend(templates);
        if !more {
            return Ok(all);
        }
    }
}

#[derive(Serialize)]
struct TemplateObject<'a> {
    name: &'a str,
    severity: &'static str,
    title: Option<&'a str>,
    body: &'a str,
    answers: Vec<&'a str>,
    expires: Option<String>,
}

fn object(template: &Template) -> TemplateObject<'_> {
    TemplateObject {
        name: template.name.as_str(),
        severity: template.severity.as_str(),
        title: template.title.as_ref().map(|title| title.as_str()),
        body: template.body.as_str(),
        answers: template.answers.iter().map(|answer| answer.as_str()).collect(),
        expires: template.expires_after_ms.map(when::length),
    }
}

/// `fire (critical): Leave now.`
fn line(template: &Template) -> String {
    let heading = template.title.as_ref().map_or_else(|| template.body.as_str().lines().next().unwrap_or_default(), |title| title.as_str());
    format!("{} ({}): {}", output::visible(template.name.as_str()), template.severity.as_str(), output::visible(heading))
}
