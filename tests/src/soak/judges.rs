//! Judges who know nothing of the machines: they look at screens and ask as an administrator does.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use belfry_core::chat::{Answer, LedgerView, Page, Presence, Receipt, Request, Seq};
use belfry_core::client::{Command, Update};
use belfry_core::limits::HEARTBEAT_TIMEOUT;
use belfry_server::machine::Machine;

use crate::courier::fetch;

use super::{HEALED_WITHIN, Life, Outcome, beginning};

impl Life {
    /// Looks at the screens, and at the log through the eyes of somebody who comes last.
    pub(super) fn judge(mut self) -> Result<Outcome, String> {
        let wrong = |what: String| Err(format!("seed {} ({:?}): {what}", self.seed, self.faults));
        let admin = self.program(0);
        let observer = self.world.join("admin", false, beginning());
        if !self.world.run_until(HEALED_WITHIN, |world| world.people[observer].caught_up() == 1) {
            return wrong("a late-comer does not get the history".into());
        }
        let log: BTreeMap<Seq, String> =
            self.world.people[observer].messages().into_iter().map(|message| (message.seq, message.text.as_str().to_owned())).collect();
        if !log.keys().copied().eq((1..=log.len() as u64).map(Seq)) {
            return wrong(format!("the log has holes: {:?}", log.keys()));
        }
        let texts: BTreeSet<&String> = log.values().collect();
        if texts.len() != log.len() {
            return wrong("something is stored twice".into());
        }
        for (who, person) in self.people.iter().enumerate() {
            for (_, seqs) in self.shown(who) {
                if !seqs.windows(2).all(|pair| pair[0].next() == pair[1]) {
                    return wrong(format!("{} was shown {seqs:?}", person.name));
                }
                // The administrator starts with what is new; everybody else from the beginning.
                if seqs.last().map(|seq| seq.0) != Some(log.len() as u64) || (who > 0 && seqs.first() != Some(&Seq(1))) {
                    return wrong(format!("{} was shown {:?} to {:?} of {}", person.name, seqs.first(), seqs.last(), log.len()));
                }
            }
            for &program in &person.programs {
                for message in self.world.people[program].messages() {
                    if log.get(&message.seq).map(String::as_str) != Some(message.text.as_str()) {
                        return wrong(format!("{} was shown something else at {:?}", person.name, message.seq));
                    }
                }
            }
            let own: Vec<_> =
                log.iter().filter(|(_, text)| person.said.iter().any(|(_, _, said)| said == *text)).map(|(seq, _)| *seq).collect();
            for (program, ticket, said) in &person.said {
                match self.world.people[*program].posted().get(ticket) {
                    Some(seq) if log.get(seq) == Some(said) => {}
                    Some(seq) => return wrong(format!("{} was told that {said:?} is {seq:?}, which is {:?}", person.name, log.get(seq))),
                    // It died without an answer; it may be stored or not.
                    None => {}
                }
            }
            let order: Vec<_> =
                own.iter().filter_map(|seq| person.said.iter().position(|(_, _, said)| Some(said) == log.get(seq))).collect();
            if !order.is_sorted() {
                return wrong(format!("what {} said is out of order: {order:?}", person.name));
            }
        }
        self.judge_files(observer)?;
        self.judge_notices(admin)?;
        self.judge_presence(observer)?;
        if let Some(repeated) = self.world.nonces.repeated() {
            return Err(format!("seed {}: a nonce was used twice: {repeated:?}", self.seed));
        }
        let datagrams = self.world.server().map_or(0, |server| server.transport().datagrams_received);
        let told = self.world.people.into_iter().map(|person| person.updates).collect();
        Ok(Outcome { told, datagrams, messages: log.len(), accidents: self.accidents })
    }

    /// Every file that came with a message holds what its sender's held, and whoever was told that theirs is there finds it.
    fn judge_files(&mut self, observer: usize) -> Result<(), String> {
        let wrong = |what: String| Err(format!("seed {} ({:?}): {what}", self.seed, self.faults));
        let attachments: Vec<_> =
            self.world.people[observer].messages().iter().filter_map(|message| message.attachment.as_deref().cloned()).collect();
        for attachment in &attachments {
            let Some((_, courier)) = self.couriers.iter().find(|(_, courier)| courier.name() == attachment.name) else {
                return wrong(format!("nobody has sent {}", attachment.name));
            };
            match fetch(&mut self.world, observer, attachment) {
                Ok(content) if content == courier.content => {}
                Ok(_) => return wrong(format!("{} holds something else", attachment.name)),
                Err(refusal) => return wrong(format!("{} cannot be fetched: {refusal}", attachment.name)),
            }
        }
        for (_, courier) in &self.couriers {
            if let Some(refusal) = courier.refused() {
                return wrong(format!("{} was refused: {refusal}", courier.name()));
            }
            if courier.is_done() && !attachments.iter().any(|attachment| attachment.name == courier.name()) {
                return wrong(format!("{} is not there", courier.name()));
            }
        }
        Ok(())
    }

    /// Every notice that was confirmed to its author is on every screen, once in each state.
    fn judge_notices(&mut self, admin: usize) -> Result<(), String> {
        for update in &self.world.people[admin].updates {
            if let Update::Answered { answer: Answer::NoticeSent { notice, .. }, .. } = update {
                self.notices.insert(*notice);
            }
        }
        for (who, person) in self.people.iter().enumerate().skip(1) {
            let program = self.program(who);
            let told = self.world.people[program].notices();
            if let Some(twice) = told.iter().enumerate().find(|(n, notice)| told[..*n].contains(notice)) {
                return Err(format!("seed {}: {} was shown a notice twice: {twice:?}", self.seed, person.name));
            }
            let missing = self.notices.iter().find(|notice| {
                // What a person has answered is nothing new to another program of theirs.
                let answered = self.answered.iter().any(|(by, _, answered)| (*by, answered) == (who, *notice));
                !answered && told.iter().all(|told| told.id != **notice)
            });
            if let Some(missing) = missing {
                return Err(format!("seed {}: {} was never shown {missing:?}", self.seed, person.name));
            }
        }
        if let Some(&notice) = self.notices.first() {
            let program = self.program(1);
            self.world.command(program, Command::Receipt { notice, receipt: Receipt::Answered(0) });
            self.answered.insert((1, program, notice));
            self.world.run_for(Duration::from_secs(1));
        }
        self.judge_answers(admin)
    }

    /// What was answered is in the ledger, however often the server has crashed since: the program that was told so has forgotten it.
    /// One that has died meanwhile may have taken its answer with it.
    fn judge_answers(&mut self, admin: usize) -> Result<(), String> {
        for (who, program, notice) in core::mem::take(&mut self.answered) {
            if program != self.program(who) {
                continue;
            }
            let ticket = self.world.ticket(admin);
            self.world.command(
                admin,
                Command::Ask { ticket, request: Request::NoticeStatus { notice, view: LedgerView::default(), after: None } },
            );
            self.world.run_for(Duration::from_secs(1));
            let name = &self.people[who].name;
            let answered = match self.world.people[admin].answer(ticket) {
                Some(Answer::Ledger(page)) => {
                    page.people.entries.iter().any(|entry| entry.account.as_str() == name && entry.answered.is_some())
                }
                _ => false,
            };
            if !answered {
                return Err(format!("seed {}: the ledger does not know what {name} answered to {notice:?}", self.seed));
            }
        }
        Ok(())
    }

    /// Whoever has lost power is not shown online after the limit, and everybody else is.
    fn judge_presence(&mut self, observer: usize) -> Result<(), String> {
        let last = self.people.len() - 1;
        let dead = if last > 0 { Some(last) } else { None };
        if let Some(dead) = dead {
            self.world.kill(self.program(dead));
        }
        self.world.run_for(HEARTBEAT_TIMEOUT + Duration::from_secs(2));
        let ticket = self.world.ticket(observer);
        self.world.command(observer, Command::Ask { ticket, request: Request::Who { after: None } });
        self.world.run_for(Duration::from_secs(1));
        let Some(Answer::People(Page { entries: people, .. })) = self.world.people[observer].answer(ticket) else {
            return Err(format!("seed {}: nobody says who is here", self.seed));
        };
        for (who, person) in self.people.iter().enumerate() {
            let expected = if Some(who) == dead { Presence::Offline } else { Presence::Online };
            let shown = people.iter().find(|shown| shown.account.as_str() == person.name).map(|shown| shown.presence);
            if shown != Some(expected) {
                return Err(format!("seed {}: {} is shown {shown:?} instead of {expected:?}", self.seed, person.name));
            }
        }
        // Everybody who is alive, and nothing that is half open or was left behind.
        let alive = (self.people.len() + 1 - usize::from(dead.is_some())) as u64;
        match self.world.server().map(Machine::transport) {
            Some(stats) if (stats.connections, stats.provisional) == (alive, 0) => Ok(()),
            stats => Err(format!("seed {}: {alive} programs are alive, and the server has {stats:?}", self.seed)),
        }
    }
}
