# SPDX-License-Identifier: MIT
"""Generates all of the project's generated C from the Vulkan registry and the tables of this folder."""

import argparse
import os
import sys

import check
import client
import emit
import null_driver
import server
import std
import report
import visit
import where
from registry import Registry
from scope import Scope
from table import TableError

FOLDER = os.path.join(os.path.dirname(os.path.abspath(__file__)), '..')


def generate(scope):
    files = {'vp_commands.h': emit.commands_header(scope)}
    files.update(emit.client_codec(scope))
    files.update(emit.server_codec(scope))
    files.update(emit.check_table(scope))
    files.update(emit.format_table(scope))
    files.update(client.generate(scope))
    files.update(server.dispatch(scope))
    files.update(server.question_table(scope))
    files.update(null_driver.generate(scope))
    files.update(visit.generate(scope))
    return files


def write(path, text):
    """Leaves a file that is already right alone, so that nothing is built again for it."""
    os.makedirs(os.path.dirname(path), exist_ok=True)
    if os.path.exists(path):
        with open(path) as file:
            if file.read() == text:
                return
    with open(path, 'w') as file:
        file.write(text)


def act(arguments, scope):
    """Does what the command line asks for."""
    if arguments.coverage:
        print(report.coverage(scope))
        return
    if arguments.document:
        write(arguments.document, report.document(scope))
        return
    if arguments.where:
        folders = [arguments.out] + [os.path.join(FOLDER, '..', side) for side in ('client', 'server')]
        print('\n'.join(where.where(scope, arguments.where, folders)))
        return
    files = generate(scope)
    if arguments.list_outputs:
        print('\n'.join(files))
    else:
        for name, text in files.items():
            write(os.path.join(arguments.out, name), text)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--registry', required=True, help='path of vk.xml')
    parser.add_argument('--out', help='folder for the generated files')
    parser.add_argument('--list-outputs', action='store_true', help='print the names of the generated files')
    parser.add_argument('--coverage', action='store_true', help='print what is supported and what is not')
    parser.add_argument('--document', help='write the table of supported commands and extensions to this file')
    parser.add_argument('--where', metavar='COMMAND', help='print where a command is at home; --out: where the files are')
    arguments = parser.parse_args()
    try:
        rows = std.read(FOLDER)
        scope = Scope(Registry(arguments.registry, os.path.join(FOLDER, 'private.xml'), rows), FOLDER)
        check.check(scope, rows)
        act(arguments, scope)
    except TableError as error:
        sys.exit(str(error))


if __name__ == '__main__':
    sys.exit(main())
