// SPDX-License-Identifier: MIT
/*
 * A Thrift server, framed and binary, a thread a connection: chello takes two strings, blob returns
 * as many bytes as its argument says. Port as argument.
 */
#include <cstdlib>
#include <memory>
#include <string>
#include <thrift/protocol/TBinaryProtocol.h>
#include <thrift/server/TThreadedServer.h>
#include <thrift/transport/TBufferTransports.h>
#include <thrift/transport/TServerSocket.h>

#include "Rpc.h"

using namespace apache::thrift;

class Functions : public RpcIf {
  public:
    void chello(std::string &result, const std::string &, const std::string &) override {
        result = "hello world";
    }
    void blob(std::string &result, const int32_t size) override {
        result.assign(static_cast<size_t>(size), 'x');
    }
};

int main(int argc, char **argv) {
    auto socket =
        std::make_shared<transport::TServerSocket>("127.0.0.1", argc > 1 ? atoi(argv[1]) : 0);
    socket->setAcceptBacklog(1024);
    server::TThreadedServer server(std::make_shared<RpcProcessor>(std::make_shared<Functions>()),
                                   socket, std::make_shared<transport::TFramedTransportFactory>(),
                                   std::make_shared<protocol::TBinaryProtocolFactory>());
    server.serve();
    return 0;
}
