#!/bin/bash
# SPDX-License-Identifier: MIT
# test: timeout=120
# Commands that the GPU makes out of mapped memory do remote what they do natively; see generated_commands.c.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/work.sh"

work_test generated_commands
