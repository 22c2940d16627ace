//! One's own account: what is said of oneself, and where one is signed in.

use belfry_core::chat::{AccountName, Device, Page, PersonProfile, Refusal, Request};
use belfry_core::client::{Command, Ticket};

use super::listing::{Listed, Listing};
use super::numbers::Numbers;
use super::{AccountIntent, Effect, Model, ScreenPart};

/// What has become of what the person wanted last of their account.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum AccountOutcome {
    /// Nothing was wanted.
    #[default]
    Idle,
    /// It waits for the server.
    Waiting,
    /// It is done.
    Done,
    /// The server refused it, or the connection was lost before it said why.
    Refused(Option<Refusal>),
}

impl Listed for Device {
    type Of = AccountName;

    fn request(account: &AccountName, after: Option<&Self>) -> Request {
        Request::ListDevices { account: account.clone(), after: after.map(|last| last.device) }
    }
}

/// What the page of the account shows besides the profile, which stands in the list of people.
#[derive(Clone, Debug, Default)]
pub struct OwnAccount {
    devices: Option<Listing<Device>>,
    order: Option<Ticket>,
    outcome: AccountOutcome,
}

impl OwnAccount {
    /// Where one is signed in, or was.
    pub fn devices(&self) -> &[Device] {
        self.devices.as_ref().map(Listing::shown).unwrap_or_default()
    }

    /// What has become of what was wanted last.
    pub const fn outcome(&self) -> &AccountOutcome {
        &self.outcome
    }

    fn list(&mut self, me: AccountName, numbers: &mut Numbers) -> Option<Command> {
        let devices = self.devices.take().filter(|devices| *devices.whose() == me);
        self.devices.insert(devices.unwrap_or_else(|| Listing::of(me))).begin_anew(numbers)
    }
}

impl Model {
    /// One's own account, as far as it is known here.
    pub const fn account(&self) -> &OwnAccount {
        &self.account
    }

    /// What is said of oneself; `None` before the list of people has come.
    pub fn own_profile(&self) -> Option<&PersonProfile> {
        self.people.find(self.me()?).map(|person| &person.profile)
    }

    pub(super) fn at_the_account(&mut self, intent: AccountIntent, effects: &mut Vec<Effect>) {
        let Some(me) = self.me().cloned() else { return };
        let request = match intent {
            AccountIntent::Open => {
                self.account.outcome = AccountOutcome::Idle;
                effects.extend(self.account.list(me, &mut self.numbers).map(Effect::Tell));
                effects.extend(self.list_people());
                effects.push(Effect::Redraw(ScreenPart::Account));
                return;
            }
            AccountIntent::Describe(changes) if changes.is_empty() => return,
            AccountIntent::Describe(changes) => Request::SetProfile { account: me, changes },
            AccountIntent::SignOut(device) => Request::RevokeDevice { account: me, device },
        };
        if self.account.outcome != AccountOutcome::Waiting {
            let ticket = self.numbers.ticket();
            (self.account.order, self.account.outcome) = (Some(ticket), AccountOutcome::Waiting);
            effects.push(Effect::ask(ticket, request));
            effects.push(Effect::Redraw(ScreenPart::Account));
        }
    }

    /// A part of the list of devices has come.
    pub(super) fn hear_devices(&mut self, ticket: Ticket, page: Page<Device>, effects: &mut Vec<Effect>) {
        let Some(devices) = &mut self.account.devices else { return };
        let (complete, next) = devices.part(ticket, page, &mut self.numbers);
        effects.extend(next.map(Effect::Tell));
        effects.extend(complete.then_some(Effect::Redraw(ScreenPart::Account)));
    }

    /// Something is done that was wanted of the account. Whether it was such a thing.
    pub(super) fn account_done(&mut self, ticket: Ticket, effects: &mut Vec<Effect>) -> bool {
        let Some(me) = self.me().cloned().filter(|_| self.account.order == Some(ticket)) else { return false };
        (self.account.order, self.account.outcome) = (None, AccountOutcome::Done);
        effects.extend(self.account.list(me, &mut self.numbers).map(Effect::Tell));
        effects.extend(self.list_people());
        effects.push(Effect::Redraw(ScreenPart::Account));
        true
    }

    /// It has come to nothing, or the list has. Whether it was of the account.
    pub(super) fn account_failed(&mut self, ticket: Ticket, refusal: Option<Refusal>, effects: &mut Vec<Effect>) -> bool {
        let listing = self.account.devices.as_mut().is_some_and(|devices| devices.abandon(ticket));
        let order = self.account.order.take_if(|order| *order == ticket).is_some();
        if order {
            self.account.outcome = AccountOutcome::Refused(refusal);
        }
        effects.extend((listing || order).then_some(Effect::Redraw(ScreenPart::Account)));
        listing || order
    }
}

#[cfg(test)]
mod tests {
    use belfry_core::chat::{Answer, DeviceId, ProfileChange, Role};
    use belfry_core::client::Update;
    use belfry_core::time::{Instant, Now, UnixMillis};

    use super::super::Intent;
    use super::super::tests::answered;
    use super::*;

    const NOW: Now = Now { instant: Instant::START, wall: UnixMillis(0) };

    fn model() -> Model {
        let mut model = Model::new("lan-host");
        model.apply(NOW, Update::SignedIn { account: AccountName::new("me").unwrap(), role: Role::Member });
        model
    }

    fn asked(effects: &[Effect], which: fn(&Request) -> bool) -> Option<Ticket> {
        effects.iter().find_map(|effect| match effect {
            Effect::Tell(Command::Ask { ticket, request }) if which(request) => Some(*ticket),
            _ => None,
        })
    }

    fn lists(request: &Request) -> bool {
        matches!(request, Request::ListDevices { .. })
    }

    fn device(n: u8) -> Device {
        Device {
            device: DeviceId([n; 32]),
            first_seen: UnixMillis(1),
            last_seen: UnixMillis(2),
            connected: false,
            address: None,
            remembered: true,
            revoked_at: None,
        }
    }

    #[test]
    fn the_devices_are_read_when_the_page_is_opened_and_again_when_one_was_signed_out() {
        let mut model = model();
        let list = asked(&model.act(NOW, Intent::Account(AccountIntent::Open)), lists).unwrap();
        model.apply(NOW, answered(list, Answer::Devices(Page { entries: vec![device(1)], more: false })));
        assert_eq!(model.account().devices(), [device(1)]);
        let effects = model.act(NOW, Intent::Account(AccountIntent::SignOut(DeviceId([1; 32]))));
        let order = asked(&effects, |request| matches!(request, Request::RevokeDevice { .. })).unwrap();
        assert_eq!(*model.account().outcome(), AccountOutcome::Waiting);
        let again = model.act(NOW, Intent::Account(AccountIntent::SignOut(DeviceId([1; 32]))));
        assert_eq!(again, [], "one thing after the other");
        assert!(asked(&model.apply(NOW, answered(order, Answer::Done)), lists).is_some());
        assert_eq!(*model.account().outcome(), AccountOutcome::Done);
    }

    #[test]
    fn what_the_server_does_not_take_is_told() {
        let mut model = model();
        let changes = vec![ProfileChange::Status("at lunch".parse().ok())];
        let effects = model.act(NOW, Intent::Account(AccountIntent::Describe(changes)));
        let order = asked(&effects, |request| matches!(request, Request::SetProfile { .. })).unwrap();
        model.apply(NOW, Update::Refused { ticket: order, refusal: Refusal::AdminOnly });
        assert_eq!(*model.account().outcome(), AccountOutcome::Refused(Some(Refusal::AdminOnly)));
        assert_eq!(model.act(NOW, Intent::Account(AccountIntent::Describe(vec![]))), [], "nothing is different");
    }
}
