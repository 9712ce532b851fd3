// SPDX-License-Identifier: MIT
// libjsonrpccpp: typed functions at the URL given, by name and by position, as C++'s types.
#include <iostream>
#include <jsonrpccpp/client.h>
#include <jsonrpccpp/client/connectors/httpclient.h>

int main(int argc, char **argv) {
    jsonrpc::HttpClient http(argc > 1 ? argv[1] : "");
    jsonrpc::Client client(http);
    Json::Value named, list, id;

    named["x"] = 1;
    named["y"] = 2;
    list.append(1.5);
    list.append(2);
    std::cout << client.CallMethod("add", named).asInt() + 1 << ' '
              << client.CallMethod("add", list).asDouble() << '\n';
    id["id"] = 1;
    Json::Value user = client.CallMethod("user", id);
    std::cout << user["id"].asInt() << ' ' << user["name"].asString() << '\n';
    id["id"] = 7;
    try {
        client.CallMethod("user", id);
    } catch (const jsonrpc::JsonRpcException &e) {
        std::cout << e.GetCode() << ' ' << e.GetData()["id"].asInt() << '\n';
    }
}
