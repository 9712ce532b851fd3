// SPDX-License-Identifier: MIT

// Go's own JSON-RPC server, net/rpc/jsonrpc: Bench.Hello takes an array of two strings. Port as argument.
package main

import (
	"net"
	"net/rpc"
	"net/rpc/jsonrpc"
	"os"
)

type Bench struct{}

func (Bench) Hello(_ []string, result *string) error {
	*result = "hello world"
	return nil
}

func main() {
	listener, err := net.Listen("tcp", "127.0.0.1:"+os.Args[1])
	if err == nil {
		err = rpc.Register(Bench{})
	}
	if err != nil {
		panic(err)
	}
	for {
		if connection, err := listener.Accept(); err == nil {
			go jsonrpc.ServeConn(connection)
		}
	}
}
