#!/bin/bash
# SPDX-License-Identifier: MIT
# test: timeout=120
# Descriptors that are bytes in mapped memory do remote what they do natively; see descriptor_buffer.c.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/work.sh"

work_test descriptor_buffer
