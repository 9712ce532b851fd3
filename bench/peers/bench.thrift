service Rpc {
    binary chello(1: string a, 2: string b)
    binary blob(1: i32 size)
}
