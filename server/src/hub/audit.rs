//! Which requests are administrators' acts, and what the audit log says of each.

use std::time::Duration;

use belfry_core::chat::{AccountName, Audience, Bound, KeepChange, NoticeChange, ProfileChange, Request, Role};

use super::Hub;
use super::rules::spelled;
use crate::session::SignedIn;
use crate::store::AuditRecord;

impl Hub {
    /// What a request is noted as once it is done; `None` for what is nobody else's business.
    pub(super) fn noted_as(&self, from: &SignedIn, request: &Request) -> Option<AuditRecord> {
        if from.role() != Role::Admin {
            return None;
        }
        let (act, object, detail) = match request {
            Request::AddUser { account, role, .. } => ("user.add", account.to_string(), role.as_str().to_owned()),
            // One's own password is one's own affair.
            Request::SetPassword { account, .. } if self.is_own(from, account) => return None,
            Request::SetPassword { account, keep_sessions, .. } => {
                ("user.password", account.to_string(), if *keep_sessions { "sessions go on" } else { "" }.to_owned())
            }
            // What one says of oneself is no act of an administrator.
            Request::SetProfile { account, .. } if self.is_own(from, account) => return None,
            Request::SetProfile { account, changes } => ("user.profile", account.to_string(), said(changes)),
            Request::SetRole { account, role, .. } => ("user.role", account.to_string(), role.as_str().to_owned()),
            Request::SetDisabled { account, disabled: true, .. } => ("user.disable", account.to_string(), String::new()),
            Request::SetDisabled { account, disabled: false, .. } => ("user.enable", account.to_string(), String::new()),
            // The notice has no number yet; the store fills it in.
            Request::SendNotice(draft) => {
                let act = if draft.schedule.is_some() { "notice.schedule" } else { "notice.send" };
                (act, String::new(), format!("{} to {}", draft.severity.as_str(), people(&draft.audience)))
            }
            Request::Exportable { room, after: None } => {
                ("export", room.as_ref().map_or_else(|| "everything".to_owned(), ToString::to_string), String::new())
            }
            Request::ChangeNotice { notice, change } => {
                let act = match change {
                    NoticeChange::Update { .. } => "notice.update",
                    NoticeChange::Withdraw => "notice.withdraw",
                    NoticeChange::AllClear { .. } => "notice.all-clear",
                    NoticeChange::Remind => "notice.remind",
                };
                (act, format!("notice {}", notice.0), String::new())
            }
            Request::Unschedule { schedule } => ("notice.unschedule", format!("schedule {}", schedule.0), String::new()),
            Request::SaveTemplate(template) => ("template.add", template.name.to_string(), String::new()),
            Request::RemoveTemplate { name } => ("template.remove", name.to_string(), String::new()),
            Request::AddToGroup { group, members } => ("group.add", group.to_string(), names(members)),
            Request::RemoveFromGroup { group, members, .. } => ("group.remove", group.to_string(), names(members)),
            // Who is in a room invites as everybody may.
            Request::Invite { room, .. } if self.is_in_room(from.account(), room) => return None,
            Request::Invite { room, account } => ("room.invite", room.to_string(), account.to_string()),
            // Who owns a room looks after it as everybody may who has made one.
            Request::RemoveFromRoom { room, .. } | Request::RenameRoom { room, .. } | Request::DeleteRoom { room, .. }
                if self.owns_room(from.account(), room) =>
            {
                return None;
            }
            Request::RemoveFromRoom { room, account, .. } => ("room.remove", room.to_string(), account.to_string()),
            Request::RenameRoom { room, name } => ("room.rename", room.to_string(), name.to_string()),
            Request::DeleteRoom { room, .. } => ("room.delete", room.to_string(), String::new()),
            Request::KeepRoom { room, number, change, .. } => {
                let name = number.and_then(|number| self.rooms.name(number)).unwrap_or(room);
                ("room.keep", name.to_string(), kept(*change))
            }
            Request::Originals { of, seq, .. } => ("message.originals", of.to_string(), format!("message {}", seq.0)),
            Request::RevokeDevice { account, device } => ("user.revoke", account.to_string(), device.to_string()),
            _ => return None,
        };
        Some(AuditRecord { account: from.account(), act, object, detail })
    }
}

/// Which parts of a profile were changed.
fn said(changes: &[ProfileChange]) -> String {
    let part = |change: &ProfileChange| match change {
        ProfileChange::Display(_) => "display",
        ProfileChange::Department(_) => "department",
        ProfileChange::Telephone(_) => "telephone",
        ProfileChange::Status(_) => "status",
    };
    changes.iter().map(part).collect::<Vec<_>>().join(", ")
}

/// The first of several names, and how many more there are: a line of the log stays a line.
fn names(members: &[AccountName]) -> String {
    const SHOWN: usize = 5;
    let shown = members.iter().take(SHOWN).map(AccountName::as_str).collect::<Vec<_>>().join(", ");
    match members.len().saturating_sub(SHOWN) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}

/// What was said of how long messages are kept, as the log shows it: `kept for 30 days, the newest 1000`.
fn kept(change: KeepChange) -> String {
    let age = match change.age_ms {
        Bound::Unchanged => None,
        Bound::AsOnServer => Some("as long as on the whole server".to_owned()),
        Bound::Own(0) => Some("forever".to_owned()),
        Bound::Own(millis) => Some(format!("for {}", spelled(Duration::from_millis(millis)))),
    };
    let count = match change.messages {
        Bound::Unchanged => None,
        Bound::AsOnServer => Some("as many as on the whole server".to_owned()),
        Bound::Own(0) => Some("all of them".to_owned()),
        Bound::Own(count) => Some(format!("the newest {count}")),
    };
    let said: Vec<_> = [age, count].into_iter().flatten().collect();
    format!("kept {}", said.join(", "))
}

/// An audience in the words of the command line.
fn people(audience: &[Audience]) -> String {
    audience.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn how_long_a_room_is_kept_is_noted_as_people_say_it() {
        let noted = |age_ms, messages| kept(KeepChange { age_ms, messages });
        assert_eq!(noted(Bound::Own(30 * 86_400_000), Bound::Own(1000)), "kept for 30 days, the newest 1000");
        assert_eq!(noted(Bound::Own(60_000), Bound::Unchanged), "kept for 1 minute");
        assert_eq!(noted(Bound::Own(0), Bound::Own(0)), "kept forever, all of them");
        assert_eq!(noted(Bound::Unchanged, Bound::AsOnServer), "kept as many as on the whole server");
        assert_eq!(noted(Bound::AsOnServer, Bound::Unchanged), "kept as long as on the whole server");
    }
}
