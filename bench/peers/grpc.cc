// SPDX-License-Identifier: MIT
/*
 * A gRPC server with chello, which takes two strings, and blob, which returns as many bytes as its
 * argument says; and a load generator for it, of chello or of blob with a SIZE:
 *   grpc server PORT
 *   grpc load ADDRESS CALLERS CALLS [SIZE]
 */
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <grpcpp/grpcpp.h>
#include <string>
#include <thread>
#include <vector>

#include "bench.grpc.pb.h"

class Service final : public bench::Rpc::Service {
    grpc::Status Call(grpc::ServerContext *, const bench::Arguments *arguments,
                      bench::Result *result) override {
        if (arguments->function() == "blob" && arguments->argument_size() == 1) {
            result->set_data(
                std::string(strtoul(arguments->argument(0).c_str(), nullptr, 10), 'x'));
            return grpc::Status::OK;
        }
        if (arguments->function() != "chello" || arguments->argument_size() != 2)
            return grpc::Status(grpc::StatusCode::INVALID_ARGUMENT, "two arguments");
        result->set_data("hello world");
        return grpc::Status::OK;
    }
};

static int serve(const std::string &port) {
    Service service;
    grpc::ServerBuilder builder;

    builder.AddListeningPort("127.0.0.1:" + port, grpc::InsecureServerCredentials());
    builder.RegisterService(&service);
    std::unique_ptr<grpc::Server> server = builder.BuildAndStart();
    if (!server)
        return 1;
    server->Wait();
    return 0;
}

static void ask(bench::Arguments *arguments, const char *size) {
    arguments->set_function(size ? "blob" : "chello");
    if (size) {
        arguments->add_argument(size);
        return;
    }
    arguments->add_argument("foo");
    arguments->add_argument("bar");
}

static void call(const std::string &address, std::atomic<long> &next, long calls,
                 const char *size) {
    const std::string expected =
        size ? std::string(strtoul(size, nullptr, 10), 'x') : "hello world";
    grpc::ChannelArguments own; /* a connection for each caller */
    own.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
    auto stub = bench::Rpc::NewStub(
        grpc::CreateCustomChannel(address, grpc::InsecureChannelCredentials(), own));

    while (next++ < calls) {
        grpc::ClientContext context;
        bench::Arguments arguments;
        bench::Result result;
        ask(&arguments, size);
        grpc::Status status = stub->Call(&context, arguments, &result);
        if (!status.ok() || result.data() != expected) {
            fprintf(stderr, "grpc: %s\n", status.error_message().c_str());
            exit(1);
        }
    }
}

static int load(const std::string &address, int callers, long calls, const char *size) {
    std::vector<std::thread> threads;
    std::atomic<long> next(0);

    auto start = std::chrono::steady_clock::now();
    for (int i = 0; i < callers; i++)
        threads.emplace_back(call, address, std::ref(next), calls, size);
    for (auto &thread : threads)
        thread.join();
    std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
    printf("{\"calls\": %ld, \"seconds\": %.6f, \"reconnects\": 0}\n", calls, seconds.count());
    return 0;
}

int main(int argc, char **argv) {
    if (argc == 3 && std::string(argv[1]) == "server")
        return serve(argv[2]);
    if ((argc == 5 || argc == 6) && std::string(argv[1]) == "load")
        return load(argv[2], atoi(argv[3]), atol(argv[4]), argc == 6 ? argv[5] : nullptr);
    return 2;
}
