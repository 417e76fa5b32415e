/* SPDX-License-Identifier: GPL-2.0-only */
/* Objects of one size, to be had where nothing may be allocated. */
#ifndef TWAIT_POOL_H
#define TWAIT_POOL_H

#include <linux/percpu.h>
#include <linux/spinlock.h>
#include <linux/types.h>
#include <linux/workqueue.h>

struct twait_pool_object;

/**
 * struct twait_magazine - up to TWAIT_MAGAZINE_OBJECTS free objects
 * @first: the one to take next
 * @count: how many
 */
struct twait_magazine {
	struct twait_pool_object *first;
	unsigned int count;
};

/**
 * struct twait_stock - what one CPU has at hand, looked at by it alone, with
 * interrupts off: a handler in process context may be interrupted by one in softirq
 * @loaded: taken from and given to
 * @spare: full or empty; keeps a CPU that swings around a boundary off the depot
 */
struct twait_stock {
	struct twait_magazine loaded;
	struct twait_magazine spare;
};

/**
 * struct twait_pool - objects of one size
 * @stock: per CPU
 * @depot_lock: guards @depot and @depot_magazines
 * @depot: full magazines, chained through their first object
 * @depot_magazines: how many there are
 * @grow_work: allocates more, in process context
 * @chunks: all memory ever allocated; written by @grow_work only
 * @object_bytes: size of an object
 * @objects: objects allocated; written by @grow_work only
 * @objects_max: never more than this
 * @objects_min: the depot is filled up to at least this many
 */
struct twait_pool {
	struct twait_stock __percpu *stock;
	raw_spinlock_t depot_lock;
	struct twait_pool_object *depot;
	unsigned int depot_magazines;
	struct work_struct grow_work;
	struct list_head chunks;
	unsigned int object_bytes;
	unsigned int objects;
	unsigned int objects_max;
	unsigned int objects_min;
};

int twait_pool_init(struct twait_pool *pool, unsigned int object_bytes,
		    unsigned int objects_max);
void twait_pool_exit(struct twait_pool *pool);
void twait_pool_replenish(struct twait_pool *pool);
unsigned int twait_pool_in_use(const struct twait_pool *pool);
void *twait_pool_take(struct twait_pool *pool);
void twait_pool_give(struct twait_pool *pool, void *object);

#endif
