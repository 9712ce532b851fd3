abyss=python_xmlrpc=jsonrpccpp=python_jsonrpc=grpc=grpc_load=None
