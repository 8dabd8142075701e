#!/bin/bash
# SPDX-License-Identifier: MIT
# test: timeout=120
# The same with the extensions of NVIDIA; see generated_commands_nv.c.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/work.sh"

work_test generated_commands_nv
