/* SPDX-License-Identifier: GPL-2.0-only */
/* Who holds a local port. */
#ifndef TWAIT_BOUND_H
#define TWAIT_BOUND_H

#include <linux/in6.h>
#include <linux/types.h>

#include "types.h"

struct net;
struct sock;

/**
 * struct twait_bind - a bind() that was refused its port
 * @self: the socket; compared, not followed
 * @address: the local address; IPv4 as ::ffff:a.b.c.d
 * @port: the port, host byte order
 * @device: index of the device that the socket is bound to, or 0
 * @uid: owner of the socket, in the initial user namespace
 * @reuse: it has SO_REUSEADDR
 * @reuseport: it has SO_REUSEPORT
 * @ipv6only: it has IPV6_V6ONLY
 */
struct twait_bind {
	const struct sock *self;
	struct in6_addr address;
	u16 port;
	int device;
	u32 uid;
	bool reuse;
	bool reuseport;
	bool ipv6only;
};

void twait_bind_of_sock(struct twait_bind *bind, const struct sock *sk,
			u16 port);
bool twait_bind_is_same(const struct twait_bind *a, const struct twait_bind *b);
void twait_bound_blame(struct net *net, const struct twait_bind *bind,
		       struct twait_shortage *shortage);

#endif
