// SPDX-License-Identifier: GPL-2.0-only
/*
 * Objects of one size, to be had where nothing may be allocated.
 *
 * A probe handler may run under a raw lock's rules on PREEMPT_RT: no slab, not
 * even GFP_ATOMIC. So objects are allocated ahead, in process context, and
 * handed out from a stock of each CPU. Between the stocks they move by whole
 * magazines, through a depot (Bonwick, "Magazines and Vmem", 2001): its lock
 * is taken once in TWAIT_MAGAZINE_OBJECTS operations at most, and not at all
 * where the CPU that takes is the CPU that gives.
 */
#include <linux/mm.h>
#include <linux/slab.h>

#include "pool.h"

#define TWAIT_MAGAZINE_OBJECTS	32
#define TWAIT_CHUNK_MAGAZINES	16

/* An object while it is free. */
struct twait_pool_object {
	struct twait_pool_object *next;		/* in its magazine */
	struct twait_pool_object *next_magazine; /* first of the next, in the depot */
};

/* Memory for TWAIT_CHUNK_MAGAZINES magazines. */
struct twait_chunk {
	struct list_head list;
	char objects[] __aligned(8);
};

static void magazine_push(struct twait_magazine *mag,
			  struct twait_pool_object *object)
{
	object->next = mag->first;
	mag->first = object;
	mag->count++;
}

static struct twait_pool_object *magazine_pop(struct twait_magazine *mag)
{
	struct twait_pool_object *object = mag->first;

	mag->first = object->next;
	mag->count--;
	return object;
}

static void depot_put(struct twait_pool *pool, struct twait_magazine *mag)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&pool->depot_lock, flags);
	mag->first->next_magazine = pool->depot;
	pool->depot = mag->first;
	WRITE_ONCE(pool->depot_magazines, pool->depot_magazines + 1);
	raw_spin_unlock_irqrestore(&pool->depot_lock, flags);
	mag->first = NULL;
	mag->count = 0;
}

/*
 * More is allocated when what lies in the depot falls below a quarter of all
 * there is: a burst finds more at hand the larger the load has been.
 */
static bool depot_is_low(const struct twait_pool *pool)
{
	unsigned int objects = READ_ONCE(pool->objects);
	unsigned int free = READ_ONCE(pool->depot_magazines) *
			    TWAIT_MAGAZINE_OBJECTS;

	return objects < pool->objects_max &&
	       free < max(pool->objects_min, objects / 4);
}

static void depot_get(struct twait_pool *pool, struct twait_magazine *mag)
{
	unsigned long flags;

	raw_spin_lock_irqsave(&pool->depot_lock, flags);
	if (pool->depot) {
		mag->first = pool->depot;
		mag->count = TWAIT_MAGAZINE_OBJECTS;
		pool->depot = mag->first->next_magazine;
		WRITE_ONCE(pool->depot_magazines, pool->depot_magazines - 1);
	}
	raw_spin_unlock_irqrestore(&pool->depot_lock, flags);
	if (depot_is_low(pool))
		queue_work(system_highpri_wq, &pool->grow_work);
}

/* One chunk into the depot. Context: process, may sleep. */
static int pool_grow(struct twait_pool *pool)
{
	unsigned int magazines = min_t(unsigned int, TWAIT_CHUNK_MAGAZINES,
				       (pool->objects_max - pool->objects) /
				       TWAIT_MAGAZINE_OBJECTS);
	struct twait_chunk *chunk;
	unsigned int i, j;
	char *object;

	chunk = kvmalloc(struct_size(chunk, objects,
				     (size_t)magazines * TWAIT_MAGAZINE_OBJECTS *
				     pool->object_bytes), GFP_KERNEL);
	if (!chunk)
		return -ENOMEM;
	list_add(&chunk->list, &pool->chunks);
	object = chunk->objects;
	for (i = 0; i < magazines; i++) {
		struct twait_magazine mag = {};

		for (j = 0; j < TWAIT_MAGAZINE_OBJECTS; j++) {
			magazine_push(&mag, (struct twait_pool_object *)object);
			object += pool->object_bytes;
		}
		depot_put(pool, &mag);
	}
	WRITE_ONCE(pool->objects,
		   pool->objects + magazines * TWAIT_MAGAZINE_OBJECTS);
	return 0;
}

/*
 * A failed allocation is not an error here: who finds the pool empty counts
 * what it lost, and the next magazine taken asks again.
 */
static void pool_grow_work(struct work_struct *work)
{
	struct twait_pool *pool = container_of(work, struct twait_pool,
					       grow_work);

	while (depot_is_low(pool))
		if (pool_grow(pool))
			break;
}

/**
 * twait_pool_replenish() - if stock is low, wait for more
 * @pool: the pool
 *
 * For those who take many at once and can wait.
 *
 * Context: process, may sleep.
 */
void twait_pool_replenish(struct twait_pool *pool)
{
	if (!depot_is_low(pool))
		return;
	queue_work(system_highpri_wq, &pool->grow_work);
	flush_work(&pool->grow_work);
}

/**
 * twait_pool_init() - make a pool and its first objects
 * @pool: the pool
 * @object_bytes: size of an object, at least two pointers
 * @objects_max: bound on the number of objects
 *
 * Context: process, may sleep.
 * Return: 0 or -ENOMEM.
 */
int twait_pool_init(struct twait_pool *pool, unsigned int object_bytes,
		    unsigned int objects_max)
{
	int err;

	memset(pool, 0, sizeof(*pool));
	raw_spin_lock_init(&pool->depot_lock);
	INIT_WORK(&pool->grow_work, pool_grow_work);
	INIT_LIST_HEAD(&pool->chunks);
	pool->object_bytes = ALIGN(object_bytes, 8);
	pool->objects_max = rounddown(objects_max, TWAIT_MAGAZINE_OBJECTS);
	pool->objects_min = TWAIT_CHUNK_MAGAZINES * TWAIT_MAGAZINE_OBJECTS *
			    max(4U, num_online_cpus());
	pool->stock = alloc_percpu(struct twait_stock);
	if (!pool->stock)
		return -ENOMEM;
	while (depot_is_low(pool)) {
		err = pool_grow(pool);
		if (err) {
			twait_pool_exit(pool);
			return err;
		}
	}
	return 0;
}

/**
 * twait_pool_exit() - free all memory of a pool
 * @pool: the pool; nobody uses one of its objects any more
 *
 * Context: process, may sleep.
 */
void twait_pool_exit(struct twait_pool *pool)
{
	struct twait_chunk *chunk, *next;

	cancel_work_sync(&pool->grow_work);
	list_for_each_entry_safe(chunk, next, &pool->chunks, list)
		kvfree(chunk);
	free_percpu(pool->stock);
}

/**
 * twait_pool_in_use() - about how many objects are out
 * @pool: the pool
 *
 * Context: any.
 * Return: objects that are neither in the depot nor yet to be allocated; some of them
 * lie in the stocks of the CPUs.
 */
unsigned int twait_pool_in_use(const struct twait_pool *pool)
{
	unsigned int objects = READ_ONCE(pool->objects);
	unsigned int free = READ_ONCE(pool->depot_magazines) *
			    TWAIT_MAGAZINE_OBJECTS;

	return objects > free ? objects - free : 0;
}

/**
 * twait_pool_take() - an object, its content undefined
 * @pool: the pool
 *
 * Context: any but NMI; takes raw locks of its own only, for a few
 * instructions, with interrupts off.
 * Return: the object, or NULL: none is left, or more are still being allocated.
 */
void *twait_pool_take(struct twait_pool *pool)
{
	struct twait_pool_object *object = NULL;
	struct twait_stock *stock;
	unsigned long flags;

	local_irq_save(flags);
	stock = this_cpu_ptr(pool->stock);
	if (!stock->loaded.count) {
		if (stock->spare.count)
			swap(stock->loaded, stock->spare);
		else
			depot_get(pool, &stock->loaded);
	}
	if (stock->loaded.count)
		object = magazine_pop(&stock->loaded);
	local_irq_restore(flags);
	return object;
}

/**
 * twait_pool_give() - give an object back
 * @pool: the pool
 * @object: from twait_pool_take(), on any CPU
 *
 * Context: as twait_pool_take().
 */
void twait_pool_give(struct twait_pool *pool, void *object)
{
	struct twait_stock *stock;
	unsigned long flags;

	local_irq_save(flags);
	stock = this_cpu_ptr(pool->stock);
	if (stock->loaded.count == TWAIT_MAGAZINE_OBJECTS) {
		if (stock->spare.count)
			depot_put(pool, &stock->spare);
		swap(stock->loaded, stock->spare);
	}
	magazine_push(&stock->loaded, object);
	local_irq_restore(flags);
}
