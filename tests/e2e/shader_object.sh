#!/bin/bash
# SPDX-License-Identifier: MIT
# test: timeout=120
# Shaders without pipelines do remote what they do natively; see shader_object.c.
. "$(dirname "$0")/../lib.sh"
. "$(dirname "$0")/work.sh"

work_test shader_object
