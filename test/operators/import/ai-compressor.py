"""
Embed2Scale AI-compressor operator

Trains and applies a compressor of neural embeddings.
"""
# pip install torch==2.4.1 torchvision==0.19.1
# pip install compressai

import os

# number of nodes
nnodes = int(os.getenv('nnodes','1'))
# processes on each node
nproc_per_node = int(os.getenv('nproc_per_node','1'))
# dataset name
dataset = os.getenv('dataset','millionAID')
# folder of the dataset
data_path = os.getenv('data_path')
# model architecture
model = os.getenv('model','mae_vit_base')
# weights to begin with
path_to_pretrained_model = os.getenv('path_to_pretrained_model')
# samples per step
batch_size = int(os.getenv('batch_size','64'))
# passes over the data
epochs = int(os.getenv('epochs','100'))
# passes with a rising learning rate
warmup_epochs = int(os.getenv('warmup_epochs','10'))
# pixels along an edge
patch_size = int(os.getenv('patch_size','224'))
# processes that read data
num_workers = int(os.getenv('num_workers','8'))
# how often a state is kept
save_every_n_epochs = int(os.getenv('save_every_n_epochs', '5'))
# weight of the distortion against the rate
ld = os.getenv('ld','1e10')
# learning rate per 256 samples
blr = os.getenv('blr','1.5e-4')
# decay of the weights
weight_decay = float(os.getenv('weight_decay','0.05'))
# where the results go
output_dir = os.getenv('output_dir')
# device to run on
device = os.getenv('device','cuda')
