// SPDX-License-Identifier: MIT
/* A JSON-RPC server on libjson-rpc-cpp with microhttpd: chello takes two strings. Port as argument.
 */
#include <csignal>
#include <cstdlib>
#include <jsonrpccpp/server.h>
#include <jsonrpccpp/server/connectors/httpserver.h>
#include <string>
#include <unistd.h>

class Server : public jsonrpc::AbstractServer<Server> {
  public:
    explicit Server(jsonrpc::AbstractServerConnector &connector)
        : AbstractServer(connector, jsonrpc::JSONRPC_SERVER_V2) {
        bindAndAddMethod(jsonrpc::Procedure("chello", jsonrpc::PARAMS_BY_POSITION,
                                            jsonrpc::JSON_STRING, "a", jsonrpc::JSON_STRING, "b",
                                            jsonrpc::JSON_STRING, NULL),
                         &Server::chello);
    }

    void chello(const Json::Value &params, Json::Value &result) {
        std::string a = params[0u].asString(), b = params[1u].asString();
        result = "hello world";
    }
};

int main(int argc, char **argv) {
    jsonrpc::HttpServer http(argc > 1 ? atoi(argv[1]) : 0);
    Server server(http);

    if (!server.StartListening())
        return 1;
    pause();
    return 0;
}
