# SPDX-License-Identifier: MIT
# How "uwsgi --build-plugin" builds the JavaScript host.
NAME = 'javascript'
CFLAGS = ['-std=gnu11', '-Wall', '-Wextra', '-Werror', '-fvisibility=hidden']
LDFLAGS = []
LIBS = ['-lduktape']
GCC_LIST = ['javascript_plugin']
