//! How people have reacted to messages.

use belfry_core::chat::{AccountName, Reaction, Reactor, visible};

use crate::model::Model;

/// People who have reacted to a message with the same sign.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReactionRow {
    /// The sign.
    pub emoji: String,
    /// How many they are.
    pub count: String,
    /// Who of them is known, oneself first; dots for the others.
    pub who: String,
    /// Oneself is among them.
    pub own: bool,
}

/// Everybody who has reacted with one sign.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ReactorsRow {
    /// The sign.
    pub emoji: String,
    /// How many they are.
    pub count: String,
    /// Who they are.
    pub names: String,
}

pub(super) fn reaction_row(reaction: &Reaction, me: Option<&AccountName>) -> ReactionRow {
    let Reaction { emoji, count, by } = reaction;
    let own = me.is_some_and(|me| by.contains(me));
    let named = by.iter().filter(|name| me != Some(name)).map(|name| visible(name.as_str()));
    let mut who: Vec<_> = own.then(|| "You".to_owned()).into_iter().chain(named).collect();
    if *count > by.len() as u64 {
        who.push("…".into());
    }
    ReactionRow { emoji: visible(emoji.as_str()), count: count.to_string(), who: who.join(", "), own }
}

/// Who has reacted to the message that was asked about.
pub fn reactors(model: &Model) -> Vec<ReactorsRow> {
    let same = |one: &Reactor, other: &Reactor| one.emoji == other.emoji;
    let row = |of_one: &[Reactor]| ReactorsRow {
        emoji: of_one.first().map(|first| visible(first.emoji.as_str())).unwrap_or_default(),
        count: of_one.len().to_string(),
        names: of_one.iter().map(|reactor| visible(reactor.account.as_str())).collect::<Vec<_>>().join(", "),
    };
    model.reactors().chunk_by(same).map(row).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(of: &[&str]) -> Vec<AccountName> {
        of.iter().map(|name| AccountName::new(name).unwrap()).collect()
    }

    #[test]
    fn oneself_comes_first_and_who_is_not_named_is_dots() {
        let me = AccountName::new("me").unwrap();
        let row = |by: &[&str], count| reaction_row(&Reaction { emoji: "👍".parse().unwrap(), count, by: names(by) }, Some(&me));
        let expected = ReactionRow { emoji: "👍".into(), count: "2".into(), who: "You, anna".into(), own: true };
        assert_eq!(row(&["anna", "me"], 2), expected);
        let many = row(&["anna", "ben"], 9);
        assert_eq!((many.who.as_str(), many.own), ("anna, ben, …", false));
    }
}
