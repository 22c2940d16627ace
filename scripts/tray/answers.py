"""A part of scripts/show-tray: notices that are answered on a real screen."""

import time

from stage import wait


def answering(stage, chat):
    """What was meant for something else is no answer, and every answer can be given."""
    def asked(title, answers):
        number = stage.notice("--severity", "important", "--to", "user:alice", "--title", title, "--answers", answers, "Is it?")
        wait(f"alice sees {title}", lambda: stage.ledger(number)["alice"]["visible_at"])
        return number

    def answer(number):
        return stage.ledger(number)["alice"]["answer"]

    def summon():
        stage.xdotool("key", "ctrl+alt+b")
        stage.front(chat)
        time.sleep(1)

    print("two notices, one answer by a key, and what is typed next is written")
    first, second = asked("First", "Yes,No"), asked("Second", "Yes,No")
    summon()
    stage.xdotool("key", "Return")
    wait("the newest is answered", lambda: answer(second) == "Yes")
    time.sleep(1)
    stage.type(chat, "hello world", "Return")
    wait("what was typed is a message", lambda: "hello world" in stage.history(room="Night shift"))
    assert not answer(first), "a space answered the other one"
    stage.picture("answered-once", chat)
    summon()
    stage.xdotool("key", "Tab", "Return")
    wait("the other one is answered", lambda: answer(first) == "No")

    print("six answers, by keys alone and by a click")
    six = "All is well,I need help at once,I am not in the building,Somebody is with me,I do not know yet,Ask me again"
    number = asked("Where are you?", six)
    stage.picture("six-answers", settle=False)
    summon()
    stage.xdotool("key", "Return")
    time.sleep(1)
    stage.picture("six-answers-in-the-list", chat)
    stage.xdotool("key", "Tab", "Tab", "Return")
    wait("the third is given", lambda: answer(number) == "I am not in the building")
    stage.picture("after-the-third", chat)
    number = asked("And now?", six)
    popup = stage.window("^Belfry notice$")
    stage.click(popup, 180, -30)
    wait("the last is given", lambda: answer(number) == "Ask me again")
