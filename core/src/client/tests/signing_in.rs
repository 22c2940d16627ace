//! What a client makes of each answer to its signing in.

use super::*;

fn silence(wire: &mut Wire) {
    wire.passes = Passes::Nothing;
    wire.command(Command::Wake);
    wire.run_for(5 * SECOND);
    assert!(!wire.interruptions().is_empty());
    wire.passes = Passes::Everything;
}

/// A client whose first registering the server has carried out, and whose answer was lost: it is asked a second time.
fn registering_again() -> Wire {
    let mut wire = Wire::with(config(true, false));
    wire.run_for(SECOND);
    assert!(matches!(wire.all_asked()[..], [Request::Register { .. }]));
    wire.restart_server();
    wire.run_for(30 * SECOND);
    wire.heard.clear();
    wire
}

fn register(again: &mut Wire, refusal: Refusal) {
    assert!(matches!(again.answer(Err(refusal)), Request::Register { .. }));
}

#[test]
fn who_registers_under_a_name_that_is_taken_is_told_so() {
    let mut wire = Wire::with(config(true, false));
    wire.run_for(SECOND);
    register(&mut wire, Refusal::NameTaken);
    assert!(wire.news().ends_with(&[Update::Failed(Failure::SignIn(Refusal::NameTaken))]));
}

#[test]
fn a_refusal_to_register_is_told_as_it_is() {
    for refusal in [Refusal::WrongCredentials, Refusal::RegistrationClosed, Refusal::Busy] {
        let mut wire = Wire::with(config(true, false));
        wire.run_for(SECOND);
        register(&mut wire, refusal);
        assert!(wire.news().ends_with(&[Update::Failed(Failure::SignIn(refusal))]));
    }
}

#[test]
fn a_name_that_we_took_a_moment_ago_ourselves_is_ours_by_the_password() {
    let mut wire = registering_again();
    register(&mut wire, Refusal::NameTaken);
    assert_eq!(wire.welcome(), Request::SignIn { account: anna(), password: password_of_anna(), remember: false });
    let signed_in = Update::SignedIn { account: anna(), role: Role::Member };
    assert_eq!(wire.news(), [Update::Timeline(Timeline::FIRST), signed_in, Update::CaughtUp]);
}

#[test]
fn a_name_that_somebody_else_took_meanwhile_is_taken() {
    let mut wire = registering_again();
    register(&mut wire, Refusal::NameTaken);
    assert!(matches!(wire.answer(Err(Refusal::WrongCredentials)), Request::SignIn { .. }));
    assert_eq!(wire.news(), [Update::Failed(Failure::SignIn(Refusal::NameTaken))]);
}

#[test]
fn a_password_that_does_not_fit_any_more_is_wrong_also_for_who_registered_with_it() {
    let mut wire = registering_again();
    wire.welcome();
    silence(&mut wire);
    wire.run_for(SECOND);
    assert!(matches!(wire.answer(Err(Refusal::WrongCredentials)), Request::SignIn { .. }));
    assert!(wire.news().ends_with(&[Update::Failed(Failure::SignIn(Refusal::WrongCredentials))]));
}

#[test]
fn an_account_is_made_once_and_a_device_that_is_known_needs_no_password() {
    for (register, remember) in [(false, false), (true, false), (false, true), (true, true)] {
        let mut wire = Wire::signed_in(config(register, remember));
        silence(&mut wire);
        wire.run_for(SECOND);
        let expected = if remember {
            Request::SignInByDevice { account: anna() }
        } else {
            Request::SignIn { account: anna(), password: password_of_anna(), remember }
        };
        assert_eq!(wire.welcome(), expected, "register {register}, remember {remember}");
    }
}

#[test]
fn a_refusal_that_passes_is_waited_for_by_who_was_signed_in_before_and_no_other() {
    for refusal in [Refusal::Busy, Refusal::TooManyRequests, Refusal::StoreFailed, Refusal::DiskFull] {
        let mut wire = Wire::with(config(false, false));
        wire.run_for(SECOND);
        wire.answer(Err(refusal));
        assert!(wire.news().ends_with(&[Update::Failed(Failure::SignIn(refusal))]), "{refusal}: nobody waits for it at first");

        let mut wire = Wire::signed_in(config(false, false));
        silence(&mut wire);
        wire.run_for(SECOND);
        wire.answer(Err(refusal));
        let interrupted = wire.interruptions();
        assert!(matches!(interrupted[..], [(Interruption::ClosedByServer(_), _)]), "{interrupted:?}");
        wire.run_for(2 * SECOND);
        assert!(matches!(wire.welcome(), Request::SignIn { .. }), "{refusal}");
    }
    for refusal in [Refusal::AccountDisabled, Refusal::WrongCredentials, Refusal::UnknownDevice, Refusal::BadRequest] {
        let mut wire = Wire::signed_in(config(false, false));
        silence(&mut wire);
        wire.run_for(SECOND);
        wire.answer(Err(refusal));
        assert!(wire.news().ends_with(&[Update::Failed(Failure::SignIn(refusal))]), "{refusal}");
    }
}
