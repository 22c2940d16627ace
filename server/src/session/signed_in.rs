//! The proof that somebody is signed in.

use belfry_core::chat::{AccountId, Role};

/// Somebody who has proven who they are, with the role they have at this moment. Only a session makes one, from the directory and
/// anew for each request, so that a demoted administrator is none from the next request on. It is all the hub knows of sessions.
#[derive(Debug)]
pub(crate) struct SignedIn {
    account: AccountId,
    role: Role,
}

impl SignedIn {
    pub(super) const fn new(account: AccountId, role: Role) -> Self {
        Self { account, role }
    }

    pub(crate) const fn account(&self) -> AccountId {
        self.account
    }

    pub(crate) const fn role(&self) -> Role {
        self.role
    }
}
