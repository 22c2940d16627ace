//! Names that look the same: nobody shall pass for somebody else by a letter of another script, a 1 for an l or a 0 for an O.
//!
//! By the skeletons of Unicode Technical Standard 39. A name has two, because letter case and look do not go together: the capital I looks
//! like an l, its small form does not.

use unicode_security::confusable_detection::skeleton;

/// What a name looks like; two names that share a look are not told apart.
pub(super) fn of(name: &str, key: &str) -> [String; 2] {
    [skeleton(name).flat_map(char::to_lowercase).collect(), skeleton(key).collect()]
}

#[cfg(test)]
mod tests {
    use belfry_core::chat::AccountName;

    use super::*;

    fn look_the_same(one: &str, other: &str) -> bool {
        let looks = |typed: &str| {
            let name = AccountName::new(typed).unwrap();
            of(name.as_str(), &name.key())
        };
        let (one, other) = (looks(one), looks(other));
        one.iter().any(|look| other.contains(look))
    }

    #[test]
    fn letters_of_other_scripts_digits_and_case_do_not_make_another_name() {
        for (one, other) in [
            ("alice", "ALICE"),
            ("alice", "аlice"),
            ("Alice", "AIice"),
            ("bob", "b0b"),
            ("paypal", "pаypаl"),
            ("clara", "c1ara"),
            ("kim", "kirn"),
        ] {
            assert!(look_the_same(one, other), "{one} {other}");
        }
    }

    #[test]
    fn different_names_stay_different() {
        for (one, other) in
            [("alice", "alicia"), ("user 12", "user 13"), ("张伟", "张薇"), ("jörg", "jorg"), ("ana", "anna"), ("иван", "иванна")]
        {
            assert!(!look_the_same(one, other), "{one} {other}");
        }
    }
}
