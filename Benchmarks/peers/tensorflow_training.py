"""Training speed of TensorFlow on the CPU: images per second of whole steps, printed as one line of JSON.

    pip install -r requirements.txt
    python tensorflow_training.py --model lenet5-keras --batch 128 --threads 2 --xla

A step is forward, cross-entropy, backward and update, in one graph, on batches already in memory. TensorFlow
flushes subnormal numbers to zero by itself.
"""

import itertools

import keras
import tensorflow as tf
from keras import layers

import steps

MODELS = {
    "lenet5": lambda: keras.Sequential([
        keras.Input((28, 28, 1)),
        layers.Conv2D(6, 5, padding="same", activation="relu"), layers.MaxPooling2D(),
        layers.Conv2D(16, 5, activation="relu"), layers.MaxPooling2D(), layers.Flatten(),
        layers.Dense(120, activation="relu"), layers.Dense(84, activation="relu"), layers.Dense(10)]),
    "lenet5-keras": lambda: keras.Sequential([
        keras.Input((28, 28, 1)),
        layers.Conv2D(20, 5, activation="relu"), layers.MaxPooling2D(),
        layers.Conv2D(50, 5, activation="relu"), layers.MaxPooling2D(),
        layers.Conv2D(50, 5, padding="same", activation="relu"), layers.MaxPooling2D(), layers.Flatten(),
        layers.Dense(500, activation="relu"), layers.Dense(10)]),
}
OPTIMIZERS = {
    "lenet5": lambda: keras.optimizers.SGD(1e-4, momentum=0.9),
    "lenet5-keras": lambda: keras.optimizers.Adam(1e-4),
}


def main():
    parser = steps.parser(__doc__, list(MODELS))
    parser.add_argument("--xla", action="store_true", help="compile the step with XLA")
    options = parser.parse_args()
    tf.config.threading.set_intra_op_parallelism_threads(options.threads)
    tf.config.threading.set_inter_op_parallelism_threads(options.threads)
    tf.random.set_seed(1)

    model = MODELS[options.model]()
    optimizer = OPTIMIZERS[options.model]()
    optimizer.build(model.trainable_variables)
    batches = itertools.cycle([
        (tf.random.normal((options.batch, 28, 28, 1)), tf.random.uniform((options.batch,), 0, 10, tf.int32))
        for _ in range(16)
    ])

    @tf.function(jit_compile=options.xla)
    def train(images, labels):
        with tf.GradientTape() as tape:
            losses = tf.nn.sparse_softmax_cross_entropy_with_logits(labels, model(images, training=True))
            loss = tf.reduce_mean(losses)
        gradients = tape.gradient(loss, model.trainable_variables)
        optimizer.apply_gradients(zip(gradients, model.trainable_variables))

    steps.report(f"TensorFlow {tf.__version__}", lambda: train(*next(batches)), options)


if __name__ == "__main__":
    main()
