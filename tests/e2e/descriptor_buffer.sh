#!/bin/bash
# SPDX-License-Identifier: MIT
# test: timeout=120
# Descriptors that are bytes in mapped memory do remote what they do natively; see descriptor_buffer.c.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/work.sh"

# Of thousands of descriptors those of buffers cost nothing where the driver makes them by a rule, as lavapipe does; each
# other one is asked for once.
case $VP_NATIVE_ICD in
   */lvp_icd*) work_test descriptor_buffer 24 ;;
   *) work_test descriptor_buffer ;;
esac
