"""docs/security.md says what is tested, all of it and nothing else."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

TESTS = Path(__file__).parents[1]
PAGE = TESTS.parent / "docs" / "security.md"

SENTENCES = "system/test_security_sentences.py"
ROLES = "system/test_roles.py"
DOOR = "transport/test_getting_in.py"
STRANGERS = "system/test_door_strangers.py"
FILES = "unit/machine/test_own_files.py"
USERS = "real/test_users.py"

TESTED: dict[str, tuple[str, str]] = {
    "A client can run any code on the engines": (SENTENCES, "test_a_client_runs_code_as_the_user_of_the_engines"),
    "A client can signal and shut down any engine": (SENTENCES, "test_a_client_ends_engines_and_the_cluster"),
    "A client can see all recorded tasks": (SENTENCES, "test_a_client_sees_and_deletes_the_records_of_others"),
    "A client can submit and acknowledge tasks": (ROLES, "test_a_client_submits_tasks_of_its_own_session_only"),
    "A client can cancel tasks": (SENTENCES, "test_a_client_cancels_no_task_of_another"),
    "A client cannot have others run its code": (ROLES, "test_a_function_is_what_its_hash_says_whoever_sends_it"),
    "A client cannot connect under the name": (ROLES, "test_nobody_connects_under_the_name_of_another"),
    "An engine is sent the functions and arguments": (SENTENCES, "test_an_engine_is_sent_what_it_is_to_run_only"),
    "An engine can end only tasks": (ROLES, "test_an_engine_can_end_no_task_that_another_engine_has"),
    "An engine cannot connect as a client": (DOOR, "test_the_keys_differ_by_role"),
    "An engine cannot connect under the name": (ROLES, "test_an_engine_knows_its_hosts_name_and_is_not_its_host"),
    "An engine cannot have the controller signal": (
        ROLES,
        "test_an_engine_cannot_have_the_controller_signal_another_process",
    ),
    "Results are pickles": (SENTENCES, "test_a_result_runs_code_on_the_client_that_reads_it"),
    "A client unpickles a result only": (
        SENTENCES,
        "test_a_result_runs_code_on_the_client_that_reads_it",
    ),
    "An `ipcluster` can signal, end and report": (ROLES, "test_a_host_does_nothing_to_the_engines_of_another"),
    "Other engines run on": (ROLES, "test_a_host_does_nothing_to_the_engines_of_another"),
    "The controller never opens a payload": (SENTENCES, "test_the_controller_has_no_module_that_could_open_a_payload"),
    "A peer that sends a value out of range": (
        "system/test_faults_of_the_controller.py",
        "test_what_is_out_of_range_is_told_to_whoever_said_it",
    ),
    "A task may submit tasks itself": ("system/test_tasks_of_tasks.py", "test_a_task_does_not_end_engines"),
    "A task can do what the user": (SENTENCES, "test_a_task_reads_the_keys_of_its_user"),
    "Processes that a task leaves behind": (
        "system/test_left_behind.py",
        "test_a_cluster_that_is_stopped_leaves_nothing_but_what_is_to_stay",
    ),
    "Without a key, there are": (DOOR, "test_strangers_are_few_and_the_oldest_makes_room"),
    "A peer with a wrong key": (DOOR, "test_a_wrong_key_is_refused_in_words"),
    "A peer that is not authenticated": (DOOR, "test_a_stranger_says_little"),
    "Connections without a key": (STRANGERS, "test_thousands_of_slow_strangers_keep_nobody_out"),
    "Other users can neither read": (USERS, "test_another_user_can_neither_read_the_keys_nor_reach_the_socket"),
    "If another user takes": (
        USERS,
        "test_a_cluster_of_a_user_whose_place_for_sockets_another_one_took_starts_and_stops",
    ),
    "Options, start-up files and job templates": (FILES, "test_options_of_another_user_are_refused_in_words"),
    "A connection file or private key that another": (
        FILES,
        "test_a_connection_file_that_others_could_have_written_is_refused_in_words",
    ),
    "A connection file or private key of yours": (
        FILES,
        "test_a_secret_that_others_can_read_is_made_private_and_that_is_said",
    ),
    "A pid file or a list of jobs": (FILES, "test_a_pid_file_and_a_list_of_jobs_of_another_user_are_not_believed"),
    "A log is not written": (FILES, "test_a_link_in_a_directory_of_others_is_not_followed"),
    "A `security/` directory": (FILES, "test_keys_are_not_put_into_a_directory_of_another_user"),
    "If you are root": (FILES, "test_root_uses_what_belongs_to_another_only_if_its_directory_does_too"),
    "Every connection over TCP": (SENTENCES, "test_there_is_no_way_around_tls_1_3"),
    "A peer compares the controller's certificate": (
        DOOR,
        "test_a_controller_that_is_not_the_one_in_the_file_is_not_told_anything",
    ),
    "A connection over a Unix socket": (DOOR, "test_a_socket_that_others_could_have_made_is_passed_over"),
    "The kernel says which user": (DOOR, "test_another_user_at_the_socket_is_hung_up_on"),
    "Shared memory of another process": (
        "unit/machine/test_shared_memory.py",
        "test_another_file_and_one_that_could_be_made_shorter_are_refused",
    ),
    "Both sides prove": (DOOR, "test_a_key_alone_tells_the_controller_from_somebody_in_the_middle"),
    "The proofs name the certificate": (DOOR, "test_a_key_alone_tells_the_controller_from_somebody_in_the_middle"),
    "The name of an ssh server": ("transport/test_ways.py", "test_a_server_can_not_be_an_option_of_ssh"),
    "The local end of an ssh tunnel": ("transport/test_tunnels.py", "test_the_local_ends_are_for_their_owner_only"),
    "Everything that engineroom makes": (
        "system/test_open_modes.py",
        "test_with_umask_000_everything_is_private_and_tasks_have_the_umask_of_their_user",
    ),
    "Connection files and private keys have": (
        "unit/controller/test_identity.py",
        "test_both_files_and_the_key_are_private",
    ),
    "Keys never appear": (SENTENCES, "test_no_process_and_no_log_shows_a_key"),
    "`ipcluster stop` signals": ("unit/cluster/test_pid_records.py", "test_all_five_must_match"),
    "Dask's scheduler": ("real/test_integrations.py", "test_a_library_on_engines_gives_the_numbers_of_a_serial_run"),
    "Nothing protects you from root": (SENTENCES, "test_a_task_reads_the_keys_of_its_user"),
    "Nothing protects the clients": (SENTENCES, "test_a_client_ends_engines_and_the_cluster"),
    "A process of your user can change": (
        "unit/machine/test_shared_memory.py",
        "test_a_mapping_that_was_only_read_is_used_again_and_shows_what_is_written_next",
    ),
    "A stolen connection file": (
        "unit/controller/test_identity.py",
        "test_without_reuse_keys_are_new_and_files_go_at_the_end",
    ),
    "A member of the group": (FILES, "test_code_that_a_group_can_write_is_run_with_a_warning"),
    "Without an `ssh` connection": (STRANGERS, "test_a_port_scan_is_nothing"),
}
"""How each statement begins, and the test of it."""


def statements() -> list[str]:
    return re.findall(r"^- (.+)$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)


def names_in(path: str) -> set[str]:
    tree = ast.parse((TESTS / path).read_text(encoding="utf-8"))
    return {each.name for each in tree.body if isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef)}


def test_each_statement_of_the_page_has_one_test_and_each_test_a_statement() -> None:
    found = {said: [begin for begin in TESTED if said.startswith(begin)] for said in statements()}
    assert [said for said, begins in found.items() if len(begins) != 1] == []
    assert [begin for begin in TESTED if not any(begins == [begin] for begins in found.values())] == []


def test_the_page_says_nothing_beside_its_statements() -> None:
    text = re.sub(r"^- .+(\n  .+)*", "", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE)
    others = [line for line in text.splitlines() if line and not line.startswith(("#", "**"))]
    assert len(others) <= 2


@pytest.mark.parametrize("path", sorted({path for path, _ in TESTED.values()}))
def test_the_tests_are_there(path: str) -> None:
    assert {name for file, name in TESTED.values() if file == path} <= names_in(path)
