# How "uwsgi --build-plugin" builds the handler that does nothing; the file is named as the plugin
# it stands in for.
NAME = 'rpc'
CFLAGS = []
LDFLAGS = []
LIBS = []
GCC_LIST = ['null']
